import type { DataSource } from 'typeorm';
import { groupOf, type PatternGroup } from './groups.rules';
import type { FullReason } from './limits.rules';
import type { LiveSlot, Pass } from './reconcile.types';
import { retryRaces, sqlState } from './retry';
import { RESERVE_MS, type EndReason, type SlotPrincipal } from './slot.machine';

/** Who wants to stream where. */
export interface SlotRequest {
  path: string;
  /** Who will publish: the robot, the camera, or the user with an encoder; not who asked for it. */
  principal: SlotPrincipal & { kind: Exclude<SlotPrincipal['kind'], 'unknown'> };
  /** On whose behalf; counts against streams per user. */
  userId?: string;
  /** Where the session is, when the media server itself asks. */
  seen?: { node: string; incarnation?: string; sessionId?: string };
}

/** `held`: the principal had it already. `used` and `limit` belong to the limit that `reason` names. */
export type Admission =
  | { outcome: 'granted' | 'held'; slotId: string; generation: number; group: string }
  | {
      outcome: 'denied';
      reason: FullReason | 'NO_GROUP' | 'PATH_TAKEN';
      group: string | null;
      used: number | null;
      limit: number | null;
    };

export interface ScopeUsage {
  /** A group's name, or `*` for all. */
  scope: string;
  /** The counter by which streams are admitted. */
  used: number;
  limit: number | null;
  reserved: number;
  active: number;
}

export interface Holder {
  slotId: string;
  path: string;
  group: string;
  principal: SlotPrincipal;
  userId: string | null;
  state: 'reserved' | 'active';
  adopted: boolean;
  since: Date;
}

/** One look at everything that lives, for the reconciler. */
export interface SlotsNow {
  /** The database's clock, epoch milliseconds. */
  now: number;
  slots: LiveSlot[];
  database: Pass['database'];
}

/** A slot as the reconciler decided about it. */
export interface Seen {
  slot: Pick<LiveSlot, 'id' | 'generation'>;
  node: string;
  incarnation: string;
  sessionId: string | null;
}

/** The database takes the conclusions of one reconciler only, and this one does not lead any more. */
export class StaleEpoch extends Error {
  override readonly name = 'StaleEpoch';
}

interface AcquireRow {
  outcome: 'granted' | 'held' | 'denied' | 'stale';
  reason: FullReason | 'NO_GROUP' | 'PATH_TAKEN';
  slotId: string;
  generation: number;
  group: string | null;
  used: number | null;
  limit: number | null;
}

interface GroupRules {
  version: string;
  groups: PatternGroup[];
}

/** Changes of the groups that one call lives through; more would be somebody changing them in a loop. */
const MAX_RULE_CHANGES = 5;
const LIVE = `state IN ('reserved', 'active')`;
const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

/**
 * Slots in Postgres. Every decision is one call of an SQL function (migration 0002), so that a lost connection leaves it done or
 * not done. Races are run again within the deadline; what still fails then is DATABASE_UNREACHABLE.
 */
export class SlotStore {
  private rules?: Promise<GroupRules>;

  /** @param deadlineMs for one call, waits for locks included */
  constructor(
    private readonly database: Pick<DataSource, 'query'>,
    private readonly deadlineMs = 2_000,
  ) {}

  /**
   * Takes the slot of a path, or says which limit is in the way. Authenticate and authorise first: this does neither.
   * @throws DomainError DATABASE_UNREACHABLE when the deadline passes
   */
  async acquire(request: SlotRequest, { deadlineMs = this.deadlineMs } = {}): Promise<Admission> {
    return retryRaces(deadlineMs, async (leftMs) => {
      for (let change = 0; change < MAX_RULE_CHANGES; change += 1) {
        const row = await this.tryAcquire(request, leftMs);
        if (row.outcome !== 'stale') return admission(row);
        this.rules = undefined;
      }
      throw Object.assign(new Error('the groups keep changing'), { code: '40001' });
    });
  }

  /**
   * Frees a slot on an order. Of another generation than the one given, it is left alone: somebody entered it since.
   * @returns whether it was live
   */
  async release(
    which: { slotId: string; generation?: number } | { path: string },
    reason: 'STOPPED' | 'KICKED' | 'REVOKED',
  ): Promise<boolean> {
    const { slotId, generation, path } = { slotId: null, generation: null, path: null, ...which };
    return this.end([slotId, path, generation, reason, null]);
  }

  /** Live slots that hold a group's room (or all), the oldest first, after `after`. */
  async listHolders(page: { group?: string; limit: number; after?: string }): Promise<Holder[]> {
    return this.database.query<Holder[]>(
      `SELECT id AS "slotId", path, group_name AS "group", user_id AS "userId", state, origin = 'adopted' AS adopted,
         json_build_object('kind', principal_kind, 'id', principal_id) AS principal, created_at AS since
       FROM slots s WHERE ${LIVE} AND ($1::text IS NULL OR group_name = $1)
         AND ($3::uuid IS NULL OR (created_at, id) > (SELECT a.created_at, a.id FROM slots a WHERE a.id = $3))
       ORDER BY created_at, id LIMIT $2`,
      [page.group ?? null, page.limit, page.after ?? null],
    );
  }

  /** Every group and the total, as counted and as the rows say; the two differ only when something is wrong. */
  async usage(): Promise<ScopeUsage[]> {
    return this.database.query<ScopeUsage[]>(
      `SELECT c.scope, c.used, CASE WHEN c.scope = '*' THEN q.max_streams ELSE g.max_streams END AS limit,
         count(s.id) FILTER (WHERE s.state = 'reserved')::integer AS reserved,
         count(s.id) FILTER (WHERE s.state = 'active')::integer AS active
       FROM quota_counters c CROSS JOIN quota_settings q LEFT JOIN groups g ON g.name = c.scope
         LEFT JOIN slots s ON s.${LIVE} AND (c.scope = '*' OR s.group_name = c.scope)
       GROUP BY c.scope, c.used, q.max_streams, g.max_streams ORDER BY c.scope COLLATE "C"`,
    );
  }

  /** The database's clock, epoch milliseconds: ask before looking at the media nodes. */
  async clock(): Promise<number> {
    const rows = await this.database.query<{ now: number }[]>(`SELECT ${ms('clock_timestamp()')} AS now`);
    return rows[0].now;
  }

  /**
   * All live slots, and what tells whether this is still the database that had `knownIds`: ask after looking at the media nodes.
   * @throws StaleEpoch
   */
  async live(epoch: number, knownIds: readonly string[] = []): Promise<SlotsNow> {
    const rows = await this.led(() =>
      this.database.query<(SlotsNow['database'] & SlotsNow)[]>(
        `SELECT ${ms('clock_timestamp()')} AS now, m.mark_before AS "markBefore", m.mark_after AS mark,
           (SELECT c.system_identifier::text FROM pg_control_system() c) || '/' ||
             left(pg_walfile_name(pg_current_wal_lsn()), 8) AS identity,
           (SELECT count(*) FROM unnest($2::uuid[]) AS known (id)
             WHERE NOT EXISTS (SELECT 1 FROM slots s WHERE s.id = known.id))::integer AS vanished,
           (SELECT c.used FROM quota_counters c WHERE c.scope = '*') -
             (SELECT count(*) FROM slots WHERE ${LIVE})::integer AS "counterDrift",
           (SELECT coalesce(json_agg(json_build_object('id', id, 'path', path, 'state', state, 'generation', generation,
               'node', node, 'incarnation', incarnation, 'sessionId', session_id, 'enteredAt', ${ms('entered_at')},
               'reservedUntil', ${ms('reserved_until')}, 'lastSeenAt', ${ms('last_seen_at')})), '[]')
             FROM slots WHERE ${LIVE}) AS slots
         FROM mark_pass($1) m`,
        [epoch, knownIds],
      ),
    );
    const { now, slots, ...database } = rows[0];
    return { now, slots, database };
  }

  /** Slots whose session was seen. @returns how many took it @throws StaleEpoch */
  async activate(seen: readonly Seen[], epoch: number): Promise<number> {
    const rows = seen.map(({ slot, ...where }) => ({ id: slot.id, generation: slot.generation, ...where }));
    if (rows.length === 0) return 0;
    return this.lead<number>('activate_slots($1, $2)', [epoch, JSON.stringify(rows)]);
  }

  /** A slot whose session is gone. @returns whether it was still as it was @throws StaleEpoch */
  async releaseGone(slot: Pick<LiveSlot, 'id' | 'generation'>, epoch: number): Promise<boolean> {
    return this.end([slot.id, null, slot.generation, 'GONE', epoch]);
  }

  /** Slots whose session never came. @returns how many had run out by the database's clock @throws StaleEpoch */
  async expire(slots: readonly Pick<LiveSlot, 'id'>[], epoch: number): Promise<number> {
    if (slots.length === 0) return 0;
    return this.lead<number>('(SELECT count(*)::integer FROM expire_slots($1, $2))', [
      epoch,
      slots.map(({ id }) => id),
    ]);
  }

  /**
   * Gives a slot to what was found running, limits or not.
   * @returns the path's live slot, or undefined when it belongs to no group
   * @throws StaleEpoch
   */
  async adopt(
    found: { path: string; principal?: SlotPrincipal } & Omit<Seen, 'slot'>,
    epoch: number,
  ): Promise<string | undefined> {
    const { path, principal = { kind: 'unknown', id: '' }, node, incarnation, sessionId } = found;
    this.rules = undefined;
    const { version, groups } = await this.groupRules();
    const group = groupOf(groups, path)?.name;
    if (group === undefined) return undefined;
    const id = await this.lead<string | null>('adopt_slot($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      epoch,
      path,
      group,
      version,
      principal.kind,
      principal.id,
      node,
      incarnation,
      sessionId,
    ]);
    return id ?? undefined;
  }

  /** Puts counters right that differ from the rows. @returns those that did @throws StaleEpoch */
  async recount(epoch: number): Promise<{ scope: string; was: number; is: number }[]> {
    return this.led(() =>
      this.database.query<{ scope: string; was: number; is: number }[]>(
        'SELECT in_scope AS scope, was, "is" FROM recount_slots($1)',
        [epoch],
      ),
    );
  }

  private async tryAcquire(request: SlotRequest, leftMs: number): Promise<AcquireRow> {
    const { path, principal, userId, seen } = request;
    const { version, groups } = await this.groupRules();
    const rows = await this.database.query<AcquireRow[]>(
      `SELECT outcome, reason, slot_id AS "slotId", slot_generation::float8 AS generation, in_group AS "group",
         used_now AS used, used_max AS limit
       FROM acquire_slot($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        path,
        groupOf(groups, path)?.name ?? null,
        version,
        principal.kind,
        principal.id,
        userId ?? null,
        seen?.node ?? null,
        seen?.incarnation ?? null,
        seen?.sessionId ?? null,
        RESERVE_MS,
        leftMs,
      ],
    );
    return rows[0];
  }

  /** The groups as last read; `acquire_slot` says when they have changed since. */
  private groupRules(): Promise<GroupRules> {
    this.rules ??= this.database
      .query<GroupRules[]>(
        `SELECT q.rules_version AS version,
           (SELECT coalesce(json_agg(json_build_object('name', g.name, 'patterns', g.patterns)), '[]') FROM groups g) AS groups
         FROM quota_settings q`,
      )
      .then(
        (rows) => rows[0],
        (error: unknown) => {
          this.rules = undefined;
          throw error;
        },
      );
    return this.rules;
  }

  private async end(
    parameters: [string | null, string | null, number | null, EndReason, number | null],
  ): Promise<boolean> {
    return (await this.lead<string | null>('release_slot($1, $2, $3, $4, $5)', parameters)) !== null;
  }

  private async lead<T>(call: string, parameters: unknown[]): Promise<T> {
    const rows = await this.led(() =>
      this.database.query<{ value: T }[]>(`SELECT ${call} AS value`, parameters),
    );
    return rows[0].value;
  }

  private async led<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await retryRaces(this.deadlineMs, write);
    } catch (error) {
      if (sqlState(error) === 'RC001') throw new StaleEpoch((error as Error).message);
      throw error;
    }
  }
}

function admission({ outcome, reason, slotId, generation, group, used, limit }: AcquireRow): Admission {
  return outcome === 'denied'
    ? { outcome, reason, group, used, limit }
    : { outcome: outcome as 'granted' | 'held', slotId, generation, group: group as string };
}
