import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ADMISSION, RECONCILER } from './0002-quota.functions';

/** Groups and their limits, the counters under which streams are admitted, the slots, and who may reconcile them. */
export class Quota1700000000002 implements MigrationInterface {
  name = 'Quota1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(GROUP_TRIGGERS);
    await runner.query(ADMISSION);
    await runner.query(RECONCILER);
    await runner.query(FIRST_ROWS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE slots, quota_counters, quota_settings, groups, reconciler_leader;
      DROP SEQUENCE slot_generation;
      DROP FUNCTION lock_group_counter, keep_group_counter, lock_total_counter, note_group_change, acquire_slot, release_slot,
        take_lead, require_lead, mark_pass, activate_slots, expire_slots, adopt_slot, recount_slots;
    `);
  }
}

/**
 * Order of locks, everywhere: reconciler_leader, settings, the slot of one path, the counter of one group (several in byte
 * order), the counter of the total ('*').
 */
const TABLES = `
  CREATE TABLE groups (
    name text PRIMARY KEY,
    patterns jsonb NOT NULL,
    max_streams integer,
    max_viewers_per_stream integer,
    max_streams_per_user integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT groups_name_check CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    CONSTRAINT groups_limits_check CHECK (max_streams BETWEEN 0 AND 1000000
      AND max_viewers_per_stream BETWEEN 0 AND 1000000 AND max_streams_per_user BETWEEN 0 AND 1000000)
  );

  CREATE TABLE quota_settings (
    singleton boolean PRIMARY KEY DEFAULT true,
    max_streams integer,
    max_pending_per_principal integer DEFAULT 2,
    max_pending_percent integer DEFAULT 10,
    rules_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT quota_settings_singleton_check CHECK (singleton),
    CONSTRAINT quota_settings_limits_check CHECK (max_streams BETWEEN 0 AND 1000000
      AND max_pending_per_principal BETWEEN 0 AND 1000000 AND max_pending_percent BETWEEN 0 AND 100)
  );

  CREATE TABLE quota_counters (
    scope text PRIMARY KEY,
    used integer NOT NULL DEFAULT 0
  ) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

  CREATE SEQUENCE slot_generation AS bigint;

  CREATE TABLE slots (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    path text NOT NULL,
    group_name text NOT NULL,
    principal_kind text NOT NULL,
    principal_id text NOT NULL,
    user_id text,
    node text,
    incarnation text,
    session_id text,
    state text NOT NULL,
    origin text NOT NULL,
    generation bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reserved_until timestamptz,
    activated_at timestamptz,
    last_seen_at timestamptz,
    ended_at timestamptz,
    reason text,
    CONSTRAINT slots_principal_kind_check CHECK (principal_kind IN ('robot', 'camera', 'user', 'service', 'unknown')),
    CONSTRAINT slots_state_check CHECK (state IN ('reserved', 'active', 'ended')),
    CONSTRAINT slots_origin_check CHECK (origin IN ('granted', 'adopted')),
    CONSTRAINT slots_reason_check CHECK (reason IN ('STOPPED', 'GONE', 'KICKED', 'REVOKED', 'EXPIRED')),
    CONSTRAINT slots_ended_check CHECK ((state = 'ended') = (ended_at IS NOT NULL) AND (state = 'ended') = (reason IS NOT NULL)),
    CONSTRAINT slots_reserved_check CHECK (state <> 'reserved' OR reserved_until IS NOT NULL)
  );
  CREATE UNIQUE INDEX slots_live_path_key ON slots (path) WHERE state IN ('reserved', 'active');
  CREATE INDEX slots_live_group_idx ON slots (group_name, user_id) WHERE state IN ('reserved', 'active');
  CREATE INDEX slots_pending_group_idx ON slots (group_name) WHERE state = 'reserved';
  CREATE INDEX slots_pending_principal_idx ON slots (principal_kind, principal_id) WHERE state = 'reserved';
  CREATE INDEX slots_path_created_idx ON slots (path, created_at);

  CREATE TABLE reconciler_leader (
    singleton boolean PRIMARY KEY DEFAULT true,
    epoch bigint NOT NULL DEFAULT 0,
    mark uuid,
    holder text,
    taken_at timestamptz,
    CONSTRAINT reconciler_leader_singleton_check CHECK (singleton)
  );
`;

const GROUP_TRIGGERS = `
  -- A limit changes under its counter's lock, so that nobody is admitted under the old one after the new one is there.
  CREATE FUNCTION lock_group_counter() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM 1 FROM quota_counters c WHERE c.scope = OLD.name FOR UPDATE;
    RETURN NEW;
  END $$;
  CREATE TRIGGER groups_lock BEFORE UPDATE ON groups FOR EACH ROW EXECUTE FUNCTION lock_group_counter();

  CREATE FUNCTION lock_total_counter() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM 1 FROM quota_counters c WHERE c.scope = '*' FOR UPDATE;
    PERFORM pg_notify('quota_changed', '*');
    RETURN NEW;
  END $$;
  CREATE TRIGGER quota_settings_lock BEFORE UPDATE OF max_streams, max_pending_per_principal, max_pending_percent
    ON quota_settings FOR EACH ROW EXECUTE FUNCTION lock_total_counter();

  -- A group has a counter as long as it lives; one with live slots stays.
  CREATE FUNCTION keep_group_counter() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      INSERT INTO quota_counters (scope) VALUES (NEW.name);
      RETURN NULL;
    END IF;
    DELETE FROM quota_counters c WHERE c.scope = OLD.name;
    IF EXISTS (SELECT 1 FROM slots s WHERE s.group_name = OLD.name AND s.state IN ('reserved', 'active')) THEN
      RAISE EXCEPTION 'group % has live slots', OLD.name USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER groups_counter AFTER INSERT OR DELETE ON groups FOR EACH ROW EXECUTE FUNCTION keep_group_counter();

  CREATE FUNCTION note_group_change() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE quota_settings SET rules_version = rules_version + 1;
    NOTIFY quota_changed;
    RETURN NULL;
  END $$;
  CREATE TRIGGER groups_note AFTER INSERT OR UPDATE OR DELETE ON groups
    FOR EACH STATEMENT EXECUTE FUNCTION note_group_change();
`;

/** Without a limit, robots stream as before; everything else needs a group first. */
const FIRST_ROWS = `
  INSERT INTO quota_counters (scope) VALUES ('*');
  INSERT INTO quota_settings DEFAULT VALUES;
  INSERT INTO reconciler_leader DEFAULT VALUES;
  INSERT INTO groups (name, patterns) VALUES
    ('robots', '[{"kind": "path", "value": "robots/**"}]'),
    ('cameras', '[{"kind": "path", "value": "cameras/**"}]');
`;
