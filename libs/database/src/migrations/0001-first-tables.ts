import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users, grants, robots and their keys; streams and wishes; tokens and the audit log. */
export class FirstTables1700000000001 implements MigrationInterface {
  name = 'FirstTables1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE users (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        username text NOT NULL,
        password_hash text,
        role text NOT NULL CHECK (role IN ('admin', 'operator', 'viewer', 'service')),
        disabled_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX users_username_key ON users (username);

      CREATE TABLE grants (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        action text NOT NULL CHECK (action IN ('read', 'publish', 'control')),
        pattern text NOT NULL,
        expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX grants_user_action_pattern_key ON grants (user_id, action, pattern);

      CREATE TABLE robots (
        id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('agent', 'legacy')),
        cameras text[] NOT NULL DEFAULT '{main}',
        legacy_topic text CHECK ((kind = 'legacy') = (legacy_topic IS NOT NULL)),
        owner_id uuid REFERENCES users (id) ON DELETE SET NULL,
        disabled_at timestamptz,
        last_seen_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX robots_owner_id_idx ON robots (owner_id);

      CREATE TABLE stream_keys (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        robot_id text REFERENCES robots (id) ON DELETE CASCADE,
        user_id uuid REFERENCES users (id) ON DELETE CASCADE,
        hash bytea NOT NULL,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK (num_nonnulls(robot_id, user_id) = 1)
      );
      CREATE UNIQUE INDEX stream_keys_hash_key ON stream_keys (hash);
      CREATE INDEX stream_keys_robot_id_idx ON stream_keys (robot_id);
      CREATE INDEX stream_keys_user_id_idx ON stream_keys (user_id);

      CREATE TABLE streams (
        id uuid PRIMARY KEY,
        robot_id text NOT NULL REFERENCES robots (id) ON DELETE CASCADE,
        camera text NOT NULL,
        path text NOT NULL,
        state text NOT NULL CHECK (state IN ('requested', 'starting', 'live', 'stopping', 'stopped', 'failed')),
        cause text,
        detail text,
        requested_by uuid REFERENCES users (id) ON DELETE SET NULL,
        requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        lease_until timestamptz NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        live_at timestamptz,
        renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        idle_since timestamptz,
        ended_at timestamptz,
        CHECK ((state IN ('stopped', 'failed')) = (ended_at IS NOT NULL))
      );
      CREATE UNIQUE INDEX streams_open_path_key ON streams (path) WHERE ended_at IS NULL;
      CREATE INDEX streams_robot_requested_idx ON streams (robot_id, requested_at);

      CREATE TABLE stream_wishes (
        robot_id text NOT NULL REFERENCES robots (id) ON DELETE CASCADE,
        camera text NOT NULL,
        version bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('on', 'off')),
        session_id uuid,
        request_id text NOT NULL,
        cause text,
        profile jsonb,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (robot_id, camera)
      );

      CREATE TABLE refresh_tokens (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        family uuid NOT NULL,
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX refresh_tokens_hash_key ON refresh_tokens (hash);
      CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (family);
      CREATE INDEX refresh_tokens_user_id_idx ON refresh_tokens (user_id);

      CREATE TABLE audit_events (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        outcome text NOT NULL,
        details jsonb NOT NULL DEFAULT '{}'
      );
      CREATE INDEX audit_events_at_idx ON audit_events (at);

      CREATE TABLE idempotency_keys (
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        status integer,
        body bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, key)
      );
      CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

      CREATE TABLE policy_version (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        version bigint NOT NULL
      );
      INSERT INTO policy_version (version) VALUES (1);

      CREATE FUNCTION bump_policy_version() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE policy_version SET version = version + 1;
        NOTIFY policy_changed;
        RETURN NULL;
      END $$;
      CREATE TRIGGER users_policy AFTER INSERT OR UPDATE OR DELETE ON users
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();
      CREATE TRIGGER grants_policy AFTER INSERT OR UPDATE OR DELETE ON grants
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();
      CREATE TRIGGER robots_policy AFTER INSERT OR DELETE OR UPDATE OF kind, legacy_topic, owner_id, disabled_at ON robots
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();
      CREATE TRIGGER stream_keys_policy AFTER INSERT OR UPDATE OR DELETE ON stream_keys
        FOR EACH STATEMENT EXECUTE FUNCTION bump_policy_version();

      CREATE FUNCTION announce_stream() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        -- Nobody waits for 'starting', and a commit with a notification waits for all others that have one.
        IF NEW.state <> 'starting' THEN
          PERFORM pg_notify('stream_changed', NEW.id::text || ' ' || NEW.state);
        END IF;
        RETURN NULL;
      END $$;
      CREATE FUNCTION stamp_stream() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.changed_at := clock_timestamp();
        RETURN NEW;
      END $$;
      CREATE TRIGGER streams_stamp BEFORE UPDATE OF state ON streams
        FOR EACH ROW EXECUTE FUNCTION stamp_stream();
      CREATE TRIGGER streams_announce AFTER INSERT OR UPDATE OF state ON streams
        FOR EACH ROW EXECUTE FUNCTION announce_stream();

      -- Opens the live period of a path, or finds the one that is open: a repeated start is the same start. One that is on its
      -- way out makes room, and so does one that nobody renewed for longer than a robot's lease: its robot has stopped. Locks the
      -- wish first, always, so that two callers cannot meet in opposite order.
      CREATE FUNCTION open_stream(
        p_id uuid, p_robot_id text, p_camera text, p_path text, p_user_id uuid, p_lease_ms bigint, p_request_id text,
        p_profile jsonb, p_robot_lease_ms bigint
      ) RETURNS TABLE (stream_id uuid, fresh boolean, version bigint) LANGUAGE plpgsql AS $$
      DECLARE
        v_open streams%ROWTYPE;
        v_version bigint;
      BEGIN
        INSERT INTO stream_wishes AS w (robot_id, camera, version, state, request_id)
          VALUES (p_robot_id, p_camera, 0, 'off', p_request_id) ON CONFLICT (robot_id, camera) DO NOTHING;
        SELECT w.version INTO v_version FROM stream_wishes w
          WHERE w.robot_id = p_robot_id AND w.camera = p_camera FOR UPDATE;
        SELECT * INTO v_open FROM streams s WHERE s.path = p_path AND s.ended_at IS NULL FOR UPDATE;
        IF v_open.id IS NOT NULL AND v_open.state <> 'stopping'
          AND v_open.renewed_at > clock_timestamp() - p_robot_lease_ms * interval '1 ms' THEN
          UPDATE streams s SET lease_until = greatest(s.lease_until, clock_timestamp() + p_lease_ms * interval '1 ms')
            WHERE s.id = v_open.id;
          RETURN QUERY SELECT v_open.id, false, v_version;
          RETURN;
        END IF;
        IF v_open.id IS NOT NULL THEN
          UPDATE streams s SET state = 'stopped', cause = coalesce(s.cause, CASE WHEN s.state = 'stopping' THEN 'superseded' ELSE 'lease_expired' END), ended_at = clock_timestamp()
            WHERE s.id = v_open.id;
        END IF;
        INSERT INTO streams (id, robot_id, camera, path, state, requested_by, lease_until)
          VALUES (p_id, p_robot_id, p_camera, p_path, 'requested', p_user_id, clock_timestamp() + p_lease_ms * interval '1 ms');
        UPDATE stream_wishes w SET version = w.version + 1, state = 'on', session_id = p_id, request_id = p_request_id,
          cause = NULL, profile = p_profile, updated_at = clock_timestamp()
          WHERE w.robot_id = p_robot_id AND w.camera = p_camera RETURNING w.version INTO v_version;
        RETURN QUERY SELECT p_id, true, v_version;
      END $$;

      -- Takes a stream out of service: the wish becomes off with a higher version, so that any late 'on' is stale. The stream is
      -- 'stopping', or ended at once when p_failed. Does nothing to one that has ended or is stopping already.
      CREATE FUNCTION close_stream(
        p_id uuid, p_cause text, p_detail text, p_failed boolean, p_request_id text
      ) RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE
        v_stream streams%ROWTYPE;
        v_version bigint;
      BEGIN
        SELECT * INTO v_stream FROM streams s WHERE s.id = p_id;
        SELECT w.version INTO v_version FROM stream_wishes w
          WHERE w.robot_id = v_stream.robot_id AND w.camera = v_stream.camera FOR UPDATE;
        UPDATE streams s SET cause = p_cause, detail = p_detail,
          state = CASE WHEN p_failed THEN 'failed' ELSE 'stopping' END,
          ended_at = CASE WHEN p_failed THEN clock_timestamp() END
          WHERE s.id = p_id AND s.ended_at IS NULL AND s.state <> 'stopping';
        IF NOT FOUND THEN
          RETURN NULL;
        END IF;
        UPDATE stream_wishes w SET version = w.version + 1, state = 'off', session_id = NULL, cause = p_cause,
          request_id = p_request_id, updated_at = clock_timestamp()
          WHERE w.robot_id = v_stream.robot_id AND w.camera = v_stream.camera AND w.session_id = p_id
          RETURNING w.version INTO v_version;
        RETURN v_version;
      END $$;

      -- The robot has taken the order. Not worth waiting for the disk: after a crash the monitor finds the stream as it is.
      CREATE FUNCTION accept_stream(p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM set_config('synchronous_commit', 'off', true);
        UPDATE streams SET state = 'starting' WHERE id = p_id AND state = 'requested';
      END $$;

      CREATE FUNCTION announce_wish() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('wish_changed', NEW.robot_id || ' ' || NEW.camera || ' ' || NEW.request_id);
        RETURN NULL;
      END $$;
      CREATE TRIGGER stream_wishes_announce AFTER INSERT OR UPDATE OF version ON stream_wishes
        FOR EACH ROW EXECUTE FUNCTION announce_wish();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE policy_version, idempotency_keys, audit_events, refresh_tokens, stream_wishes, streams, stream_keys,
        robots, grants, users;
      DROP FUNCTION bump_policy_version, announce_stream, announce_wish, stamp_stream, open_stream, close_stream, accept_stream;
    `);
  }
}
