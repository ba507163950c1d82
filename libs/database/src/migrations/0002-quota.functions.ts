/** Taking and freeing slots: for the gateway and the door. The order of locks is in 0002-quota.ts. */
export const ADMISSION = `
  -- Takes the slot of a path, or says why not. One call is one decision:
  --   held    the same principal has it already; its reservation starts anew
  --   granted a new slot, reserved for p_reserve_ms
  --   denied  with a reason; used and max belong to the limit that is full
  --   stale   the caller chose p_group by rules that have changed since: choose again
  -- Every count is taken in a statement of its own after the lock that makes it final.
  CREATE FUNCTION acquire_slot(
    p_path text, p_group text, p_rules_version bigint, p_principal_kind text, p_principal_id text, p_user_id text,
    p_node text, p_incarnation text, p_session_id text, p_reserve_ms integer, p_lock_timeout_ms integer
  ) RETURNS TABLE (
    outcome text, reason text, slot_id uuid, slot_generation bigint, in_group text, used_now integer, used_max integer
  ) LANGUAGE plpgsql AS $$
  DECLARE
    v_slot slots%ROWTYPE;
    v_group groups%ROWTYPE;
    v_settings quota_settings%ROWTYPE;
    v_until timestamptz;
    v_used integer;
    v_total integer;
    v_count integer;
    v_max integer;
    v_id uuid;
    v_generation bigint;
  BEGIN
    PERFORM set_config('lock_timeout', greatest(p_lock_timeout_ms, 1) || 'ms', true);

    SELECT * INTO v_slot FROM slots s WHERE s.path = p_path AND s.state IN ('reserved', 'active') FOR UPDATE;
    v_until := clock_timestamp() + p_reserve_ms * interval '1 ms';
    IF v_slot.id IS NOT NULL THEN
      IF v_slot.principal_kind <> 'unknown'
        AND (v_slot.principal_kind, v_slot.principal_id) IS DISTINCT FROM (p_principal_kind, p_principal_id) THEN
        RETURN QUERY SELECT 'denied', 'PATH_TAKEN', v_slot.id, v_slot.generation, v_slot.group_name, 1, 1;
        RETURN;
      END IF;
      UPDATE slots s SET generation = nextval('slot_generation'), entered_at = clock_timestamp(), reserved_until = v_until,
          principal_kind = p_principal_kind, principal_id = p_principal_id, user_id = coalesce(s.user_id, p_user_id),
          node = coalesce(p_node, s.node), incarnation = CASE WHEN p_node IS NULL THEN s.incarnation ELSE p_incarnation END,
          session_id = CASE WHEN p_node IS NULL THEN s.session_id ELSE p_session_id END
        WHERE s.id = v_slot.id RETURNING s.generation INTO v_generation;
      RETURN QUERY SELECT 'held', NULL::text, v_slot.id, v_generation, v_slot.group_name, NULL::integer, NULL::integer;
      RETURN;
    END IF;

    IF (SELECT q.rules_version FROM quota_settings q) IS DISTINCT FROM p_rules_version THEN
      RETURN QUERY SELECT 'stale', NULL::text, NULL::uuid, NULL::bigint, p_group, NULL::integer, NULL::integer;
      RETURN;
    END IF;
    IF p_group IS NULL THEN
      RETURN QUERY SELECT 'denied', 'NO_GROUP', NULL::uuid, NULL::bigint, NULL::text, NULL::integer, NULL::integer;
      RETURN;
    END IF;

    SELECT c.used INTO v_used FROM quota_counters c WHERE c.scope = p_group FOR UPDATE;
    SELECT * INTO v_group FROM groups g WHERE g.name = p_group;
    IF v_used IS NULL OR v_group.name IS NULL THEN
      RETURN QUERY SELECT 'stale', NULL::text, NULL::uuid, NULL::bigint, p_group, NULL::integer, NULL::integer;
      RETURN;
    END IF;
    IF v_used >= v_group.max_streams THEN
      RETURN QUERY SELECT 'denied', 'GROUP_FULL', NULL::uuid, NULL::bigint, p_group, v_used, v_group.max_streams;
      RETURN;
    END IF;

    SELECT c.used INTO v_total FROM quota_counters c WHERE c.scope = '*' FOR UPDATE;
    SELECT * INTO v_settings FROM quota_settings;
    IF v_total >= v_settings.max_streams THEN
      RETURN QUERY SELECT 'denied', 'TOTAL_FULL', NULL::uuid, NULL::bigint, p_group, v_total, v_settings.max_streams;
      RETURN;
    END IF;

    IF v_group.max_streams_per_user IS NOT NULL AND p_user_id IS NOT NULL THEN
      SELECT count(*) INTO v_count FROM slots s
        WHERE s.group_name = p_group AND s.user_id = p_user_id AND s.state IN ('reserved', 'active');
      IF v_count >= v_group.max_streams_per_user THEN
        RETURN QUERY SELECT 'denied', 'USER_FULL', NULL::uuid, NULL::bigint, p_group, v_count, v_group.max_streams_per_user;
        RETURN;
      END IF;
    END IF;
    IF v_settings.max_pending_per_principal IS NOT NULL THEN
      SELECT count(*) INTO v_count FROM slots s
        WHERE s.principal_kind = p_principal_kind AND s.principal_id = p_principal_id AND s.state = 'reserved';
      IF v_count >= v_settings.max_pending_per_principal THEN
        RETURN QUERY SELECT 'denied', 'PRINCIPAL_PENDING', NULL::uuid, NULL::bigint, p_group, v_count,
          v_settings.max_pending_per_principal;
        RETURN;
      END IF;
    END IF;
    IF v_group.max_streams IS NOT NULL AND v_settings.max_pending_percent IS NOT NULL THEN
      v_max := greatest(1, v_group.max_streams * v_settings.max_pending_percent / 100);
      SELECT count(*) INTO v_count FROM slots s WHERE s.group_name = p_group AND s.state = 'reserved';
      IF v_count >= v_max THEN
        RETURN QUERY SELECT 'denied', 'GROUP_PENDING', NULL::uuid, NULL::bigint, p_group, v_count, v_max;
        RETURN;
      END IF;
    END IF;

    UPDATE quota_counters c SET used = c.used + 1 WHERE c.scope IN (p_group, '*');
    INSERT INTO slots AS s (path, group_name, principal_kind, principal_id, user_id, node, incarnation, session_id, state, origin,
        generation, reserved_until)
      VALUES (p_path, p_group, p_principal_kind, p_principal_id, p_user_id, p_node, p_incarnation, p_session_id, 'reserved',
        'granted', nextval('slot_generation'), v_until)
      RETURNING s.id, s.generation INTO v_id, v_generation;
    RETURN QUERY SELECT 'granted', NULL::text, v_id, v_generation, p_group, v_used + 1, v_group.max_streams;
  END $$;

  -- Ends a live slot, chosen by id or by path; of another generation than p_generation, it is left alone. GONE and EXPIRED are
  -- conclusions of the reconciler and need its epoch. Answers the id of the slot that ended.
  CREATE FUNCTION release_slot(p_slot_id uuid, p_path text, p_generation bigint, p_reason text, p_epoch bigint)
  RETURNS uuid LANGUAGE plpgsql AS $$
  DECLARE
    v_id uuid;
    v_group text;
  BEGIN
    IF p_reason IN ('GONE', 'EXPIRED') OR p_epoch IS NOT NULL THEN
      PERFORM require_lead(p_epoch);
    END IF;
    UPDATE slots s SET state = 'ended', ended_at = clock_timestamp(), reason = p_reason, reserved_until = NULL
      WHERE (s.id = p_slot_id OR p_slot_id IS NULL AND s.path = p_path) AND s.state IN ('reserved', 'active')
        AND (p_generation IS NULL OR s.generation = p_generation)
        AND (p_reason <> 'GONE' OR s.state = 'active')
        AND (p_reason <> 'EXPIRED' OR s.state = 'reserved' AND s.reserved_until < clock_timestamp())
      RETURNING s.id, s.group_name INTO v_id, v_group;
    IF v_id IS NULL THEN
      RETURN NULL;
    END IF;
    UPDATE quota_counters c SET used = c.used - 1 WHERE c.scope = v_group;
    UPDATE quota_counters c SET used = c.used - 1 WHERE c.scope = '*';
    RETURN v_id;
  END $$;
`;

/** What only the leading reconciler may do; each call carries its epoch. */
export const RECONCILER = `
  -- A new leader's epoch; waits for writes of the one before that are on their way.
  CREATE FUNCTION take_lead(p_holder text) RETURNS bigint LANGUAGE sql AS $$
    UPDATE reconciler_leader SET epoch = epoch + 1, holder = p_holder, taken_at = clock_timestamp() RETURNING epoch;
  $$;

  -- Refuses everyone but the present leader, and keeps the next one waiting until this transaction is over.
  CREATE FUNCTION require_lead(p_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM 1 FROM reconciler_leader l WHERE l.epoch = p_epoch FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'epoch % does not lead', p_epoch USING ERRCODE = 'RC001';
    END IF;
  END $$;

  -- Leaves a new mark, and answers it with the one that was there: not the one that this leader left means that the database has
  -- been set back or replaced since.
  CREATE FUNCTION mark_pass(p_epoch bigint) RETURNS TABLE (mark_before uuid, mark_after uuid) LANGUAGE plpgsql AS $$
  BEGIN
    SELECT l.mark INTO mark_before FROM reconciler_leader l WHERE l.epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN
      PERFORM require_lead(p_epoch);
    END IF;
    UPDATE reconciler_leader l SET mark = gen_random_uuid() RETURNING l.mark INTO mark_after;
    RETURN NEXT;
  END $$;

  -- Takes in what was seen: [{"id", "generation", "node", "incarnation", "sessionId"}]. A slot that was entered again since
  -- (another generation) is left for the next look. Answers how many slots took it.
  CREATE FUNCTION activate_slots(p_epoch bigint, p_seen jsonb) RETURNS integer LANGUAGE plpgsql AS $$
  DECLARE
    v_count integer;
  BEGIN
    PERFORM require_lead(p_epoch);
    UPDATE slots s SET state = 'active', activated_at = coalesce(s.activated_at, clock_timestamp()),
        last_seen_at = clock_timestamp(), reserved_until = NULL, node = n.node, incarnation = n.incarnation,
        session_id = n."sessionId"
      FROM jsonb_to_recordset(p_seen) AS n (id uuid, generation bigint, node text, incarnation text, "sessionId" text)
      WHERE s.id = n.id AND s.generation = n.generation AND s.state IN ('reserved', 'active');
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
  END $$;

  -- Ends those of the slots whose reservation has run out by this clock. One that somebody is busy with waits for the next call.
  CREATE FUNCTION expire_slots(p_epoch bigint, p_ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
  DECLARE
    v_ids uuid[];
    v_group record;
    v_count integer := 0;
  BEGIN
    PERFORM require_lead(p_epoch);
    SELECT array_agg(l.id) INTO v_ids FROM (
      SELECT s.id FROM slots s WHERE s.id = ANY (p_ids) AND s.state = 'reserved' AND s.reserved_until < clock_timestamp()
        FOR UPDATE SKIP LOCKED) l;
    IF v_ids IS NULL THEN
      RETURN;
    END IF;
    UPDATE slots s SET state = 'ended', ended_at = clock_timestamp(), reason = 'EXPIRED', reserved_until = NULL
      WHERE s.id = ANY (v_ids);
    FOR v_group IN
      SELECT s.group_name AS name, count(*)::integer AS slots FROM slots s WHERE s.id = ANY (v_ids)
        GROUP BY s.group_name ORDER BY s.group_name COLLATE "C"
    LOOP
      UPDATE quota_counters c SET used = c.used - v_group.slots WHERE c.scope = v_group.name;
      v_count := v_count + v_group.slots;
    END LOOP;
    UPDATE quota_counters c SET used = c.used - v_count WHERE c.scope = '*';
    RETURN QUERY SELECT unnest(v_ids);
  END $$;

  -- Gives a slot to what runs already, whatever the limits: the counters then say what is, and admission waits until it has
  -- drained. Answers the live slot of the path, new or not; nothing when the group is not there or the rules have changed.
  CREATE FUNCTION adopt_slot(
    p_epoch bigint, p_path text, p_group text, p_rules_version bigint, p_principal_kind text, p_principal_id text, p_node text,
    p_incarnation text, p_session_id text
  ) RETURNS uuid LANGUAGE plpgsql AS $$
  DECLARE
    v_id uuid;
  BEGIN
    PERFORM require_lead(p_epoch);
    SELECT s.id INTO v_id FROM slots s WHERE s.path = p_path AND s.state IN ('reserved', 'active');
    IF v_id IS NOT NULL THEN
      RETURN v_id;
    END IF;
    IF (SELECT q.rules_version FROM quota_settings q) IS DISTINCT FROM p_rules_version THEN
      RETURN NULL;
    END IF;
    UPDATE quota_counters c SET used = c.used + 1 WHERE c.scope = p_group;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    UPDATE quota_counters c SET used = c.used + 1 WHERE c.scope = '*';
    INSERT INTO slots (path, group_name, principal_kind, principal_id, node, incarnation, session_id, state, origin, generation,
        activated_at, last_seen_at)
      VALUES (p_path, p_group, p_principal_kind, p_principal_id, p_node, p_incarnation, p_session_id, 'active', 'adopted',
        nextval('slot_generation'), clock_timestamp(), clock_timestamp())
      RETURNING id INTO v_id;
    RETURN v_id;
  END $$;

  -- Sets the counters to what the slots say, with all of them locked. Answers those that were wrong.
  CREATE FUNCTION recount_slots(p_epoch bigint) RETURNS TABLE (in_scope text, was integer, "is" integer) LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM require_lead(p_epoch);
    PERFORM 1 FROM quota_counters c ORDER BY (c.scope = '*'), c.scope COLLATE "C" FOR UPDATE;
    RETURN QUERY
      WITH truth AS (
        SELECT c.scope, c.used, count(s.id)::integer AS live FROM quota_counters c
          LEFT JOIN slots s ON s.state IN ('reserved', 'active') AND (c.scope = '*' OR s.group_name = c.scope)
          GROUP BY c.scope, c.used
      ), repaired AS (
        UPDATE quota_counters c SET used = t.live FROM truth t WHERE c.scope = t.scope AND c.used <> t.live
          RETURNING c.scope, t.used, t.live
      )
      SELECT r.scope, r.used, r.live FROM repaired r;
  END $$;
`;
