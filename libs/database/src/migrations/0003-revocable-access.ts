import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Groups of users, address ranges, share links, what the door let in, who watched what, and revocations on their way. */
export class RevocableAccess1700000000003 implements MigrationInterface {
  name = 'RevocableAccess1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE user_groups (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        name text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX user_groups_name_key ON user_groups (name);

      CREATE TABLE user_group_members (
        group_id uuid NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        PRIMARY KEY (group_id, user_id)
      );
      CREATE INDEX user_group_members_user_id_idx ON user_group_members (user_id);

      ALTER TABLE grants ALTER COLUMN user_id DROP NOT NULL;
      ALTER TABLE grants ADD COLUMN group_id uuid REFERENCES user_groups (id) ON DELETE CASCADE;
      ALTER TABLE grants ADD COLUMN address_ranges text[] NOT NULL DEFAULT '{}';
      ALTER TABLE grants ADD CONSTRAINT grants_holder_check CHECK (num_nonnulls(user_id, group_id) = 1);
      CREATE UNIQUE INDEX grants_group_action_pattern_key ON grants (group_id, action, pattern);

      ALTER TABLE stream_keys ADD COLUMN name text NOT NULL DEFAULT '';
      ALTER TABLE stream_keys ADD COLUMN expires_at timestamptz;

      CREATE TABLE ticket_families (
        id text PRIMARY KEY,
        path text NOT NULL,
        action text NOT NULL CHECK (action IN ('read', 'publish')),
        name text NOT NULL DEFAULT '',
        created_by uuid REFERENCES users (id) ON DELETE CASCADE,
        expires_at timestamptz NOT NULL,
        leave_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX ticket_families_path_idx ON ticket_families (path);
      CREATE INDEX ticket_families_created_by_idx ON ticket_families (created_by);

      CREATE TABLE admissions (
        session_id uuid NOT NULL,
        node text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        action text NOT NULL,
        path text NOT NULL,
        protocol text NOT NULL,
        address text NOT NULL,
        user_agent text NOT NULL,
        principal_kind text NOT NULL CHECK (principal_kind IN ('user', 'robot', 'ticket')),
        principal text NOT NULL,
        grant_id uuid,
        key_id uuid,
        ticket_id text,
        ticket_family text,
        leave_at timestamptz,
        PRIMARY KEY (session_id)
      );
      CREATE INDEX admissions_at_idx ON admissions (at);

      CREATE TABLE view_log (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        session_id uuid NOT NULL,
        node text NOT NULL,
        kind text NOT NULL,
        path text NOT NULL,
        protocol text NOT NULL,
        principal_kind text NOT NULL,
        principal text NOT NULL,
        address text NOT NULL,
        user_agent text NOT NULL,
        started_at timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended_at timestamptz,
        end_reason text,
        outbound_bytes bigint NOT NULL DEFAULT 0
      );
      CREATE UNIQUE INDEX view_log_session_key ON view_log (node, session_id);
      CREATE INDEX view_log_path_started_idx ON view_log (path, started_at);
      CREATE INDEX view_log_open_idx ON view_log (node) WHERE ended_at IS NULL;

      CREATE TABLE revocations (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        kind text NOT NULL CHECK (kind IN ('user', 'grant', 'key', 'robot', 'ticket-family', 'session', 'user-sessions')),
        subject text NOT NULL,
        reason text NOT NULL,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        verified_at timestamptz,
        receipt jsonb NOT NULL DEFAULT '[]'
      );
      CREATE INDEX revocations_open_idx ON revocations (next_attempt_at) WHERE verified_at IS NULL;

      CREATE TRIGGER user_groups_policy AFTER INSERT OR UPDATE OR DELETE ON user_groups
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();
      CREATE TRIGGER user_group_members_policy AFTER INSERT OR UPDATE OR DELETE ON user_group_members
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();
      -- A new one takes nothing from anybody, and there is one with every ticket.
      CREATE TRIGGER ticket_families_policy AFTER UPDATE OR DELETE ON ticket_families
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();

      CREATE FUNCTION announce_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('revocation_requested', NEW.id::text);
        RETURN NULL;
      END $$;
      CREATE TRIGGER revocations_announce AFTER INSERT ON revocations
        FOR EACH ROW EXECUTE FUNCTION announce_revocation();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE revocations, view_log, admissions, ticket_families;
      DROP FUNCTION announce_revocation;
      ALTER TABLE stream_keys DROP COLUMN expires_at;
      ALTER TABLE stream_keys DROP COLUMN name;
      DELETE FROM grants WHERE user_id IS NULL;
      ALTER TABLE grants DROP COLUMN address_ranges;
      ALTER TABLE grants DROP COLUMN group_id;
      ALTER TABLE grants ALTER COLUMN user_id SET NOT NULL;
      DROP TABLE user_group_members, user_groups;
    `);
  }
}
