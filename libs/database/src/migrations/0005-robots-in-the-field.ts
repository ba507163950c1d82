import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Enrolment codes, pictures that robots took, their alerts and what is done about them. */
export class RobotsInTheField1700000000005 implements MigrationInterface {
  name = 'RobotsInTheField1700000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE enrolment_codes (
        robot_id text PRIMARY KEY REFERENCES robots (id) ON DELETE CASCADE,
        hash bytea NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        used_at timestamptz
      );
      CREATE UNIQUE INDEX enrolment_codes_hash_key ON enrolment_codes (hash);

      CREATE TABLE snapshots (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        robot_id text NOT NULL REFERENCES robots (id) ON DELETE CASCADE,
        camera text NOT NULL,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        token_hash bytea,
        expires_at timestamptz NOT NULL,
        taken_at timestamptz,
        failure text,
        image bytea,
        CONSTRAINT snapshots_image_check CHECK ((taken_at IS NULL) = (image IS NULL))
      );
      CREATE INDEX snapshots_robot_camera_taken_idx ON snapshots (robot_id, camera, taken_at);

      CREATE TABLE alert_policies (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        robot_id text NOT NULL REFERENCES robots (id) ON DELETE CASCADE,
        kind text NOT NULL,
        min_confidence double precision NOT NULL CHECK (min_confidence BETWEEN 0 AND 1),
        action text NOT NULL CHECK (action IN ('record-event', 'go-live')),
        lease_seconds integer NOT NULL CHECK (lease_seconds BETWEEN 5 AND 3600),
        enabled boolean NOT NULL DEFAULT true,
        acts_for uuid REFERENCES users (id) ON DELETE SET NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX alert_policies_robot_kind_key ON alert_policies (robot_id, kind);

      CREATE TABLE alerts (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        robot_id text NOT NULL REFERENCES robots (id) ON DELETE CASCADE,
        alert_id text NOT NULL,
        camera text NOT NULL,
        kind text NOT NULL,
        confidence double precision NOT NULL,
        happened_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        outcome text NOT NULL CHECK (outcome IN ('recorded', 'starting', 'live', 'not-started')),
        detail text,
        policy_id uuid,
        stream_id uuid
      );
      CREATE UNIQUE INDEX alerts_robot_alert_key ON alerts (robot_id, alert_id);
      CREATE INDEX alerts_robot_id_idx ON alerts (robot_id, id);

      CREATE FUNCTION announce_alert() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('alert_raised', NEW.id::text || ' ' || NEW.robot_id || ' ' || NEW.camera || ' ' || NEW.outcome);
        RETURN NULL;
      END $$;
      CREATE TRIGGER alerts_announce AFTER INSERT OR UPDATE OF outcome ON alerts
        FOR EACH ROW EXECUTE FUNCTION announce_alert();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE alerts, alert_policies, snapshots, enrolment_codes;
      DROP FUNCTION announce_alert;
    `);
  }
}
