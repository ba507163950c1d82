import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cameras that the media server pulls. */
export class OnDemand1700000000004 implements MigrationInterface {
  name = 'OnDemand1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE cameras (
        id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
        name text NOT NULL,
        group_name text,
        source_sealed bytea,
        source_shown text,
        owner_id uuid REFERENCES users (id) ON DELETE SET NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        changed_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT cameras_source_check
          CHECK ((deleted_at IS NULL) = (source_sealed IS NOT NULL) AND (deleted_at IS NULL) = (source_shown IS NOT NULL))
      );
      CREATE INDEX cameras_owner_id_idx ON cameras (owner_id);

      CREATE FUNCTION announce_cameras() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NOTIFY cameras_changed;
        RETURN NULL;
      END $$;
      CREATE TRIGGER cameras_announce AFTER INSERT OR DELETE OR UPDATE OF source_sealed, deleted_at ON cameras
        FOR EACH STATEMENT EXECUTE FUNCTION announce_cameras();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE cameras;
      DROP FUNCTION announce_cameras;
    `);
  }
}
