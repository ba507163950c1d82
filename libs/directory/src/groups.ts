import { DomainError, ID_PATTERN, isId, type FieldProblem } from '@rovercast/contracts';
import {
  limitProblem,
  MAX_PATTERNS,
  patternProblem,
  type GroupLimits,
  type GroupPattern,
  type NewGroup,
  type QuotaSeed,
  type TotalLimits,
} from '@rovercast/quota';
import type { DataSource, EntityManager } from 'typeorm';
import { audit } from './audit';
import { isUniqueViolation } from './failures';

/** Cameras and robots that share limits. */
export interface Group {
  /** For good: a group is not renamed. */
  name: string;
  patterns: GroupPattern[];
  limits: GroupLimits;
  createdAt: Date;
}

/** What is left out stays as it is. */
export interface GroupChange {
  patterns?: GroupPattern[];
  limits?: Partial<GroupLimits>;
}

const COLUMNS = `name, patterns, created_at AS "createdAt", json_build_object('streams', max_streams,
  'viewersPerStream', max_viewers_per_stream, 'streamsPerUser', max_streams_per_user) AS limits`;
const TOTAL = `json_build_object('streams', max_streams, 'pendingPerPrincipal', max_pending_per_principal,
  'pendingPercent', max_pending_percent) AS limits`;

/**
 * The group table and the limits. Every change is audited in its own transaction. A lower limit frees nothing: no stream is
 * admitted until enough have ended.
 */
export class Groups {
  constructor(private readonly database: DataSource) {}

  /** @throws DomainError INVALID_INPUT, CONFLICT when the name or a pattern is taken */
  async create(group: NewGroup, actor: string): Promise<Group> {
    const { name, patterns, limits = {} } = group;
    refuse([
      ...(isId(name) ? [] : [{ field: 'name', message: `name must match ${ID_PATTERN.source}` }]),
      ...patternProblems(patterns),
      ...limitProblems(limits),
    ]);
    try {
      return await this.change(async (tx) => {
        await this.requireFreePatterns(tx, name, patterns);
        const rows = await tx.query<Group[]>(
          `INSERT INTO groups (name, patterns, max_streams, max_viewers_per_stream, max_streams_per_user)
             VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
          [
            name,
            JSON.stringify(patterns),
            limits.streams ?? null,
            limits.viewersPerStream ?? null,
            limits.streamsPerUser ?? null,
          ],
        );
        await audit(tx, { actor, action: 'group.create', target: name, details: { patterns, limits } });
        return rows[0];
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new DomainError('CONFLICT', `there is a group ${name} already`);
      throw error;
    }
  }

  /** Page of groups by name, after `after`. */
  async list(page: { limit: number; after: string | null }): Promise<Group[]> {
    return this.database.query<Group[]>(
      `SELECT ${COLUMNS} FROM groups WHERE $2::text IS NULL OR name > $2 ORDER BY name LIMIT $1`,
      [page.limit, page.after],
    );
  }

  async find(name: string): Promise<Group | undefined> {
    const rows = await this.database.query<Group[]>(`SELECT ${COLUMNS} FROM groups WHERE name = $1`, [name]);
    return rows.at(0);
  }

  /** @throws DomainError NOT_FOUND, INVALID_INPUT, CONFLICT when a pattern is another group's */
  async update(name: string, change: GroupChange, actor: string): Promise<Group> {
    const { patterns, limits = {} } = change;
    refuse([...(patterns ? patternProblems(patterns) : []), ...limitProblems(limits)]);
    return this.change(async (tx) => {
      const rows = await tx.query<Group[]>(`SELECT ${COLUMNS} FROM groups WHERE name = $1 FOR UPDATE`, [
        name,
      ]);
      if (rows.length === 0) throw noSuchGroup(name);
      if (patterns) await this.requireFreePatterns(tx, name, patterns);
      const now = { ...rows[0].limits, ...given(limits) };
      const [changed] = await tx.query<[Group[], number]>(
        `UPDATE groups SET patterns = coalesce($2, patterns), max_streams = $3, max_viewers_per_stream = $4,
           max_streams_per_user = $5 WHERE name = $1 RETURNING ${COLUMNS}`,
        [
          name,
          patterns ? JSON.stringify(patterns) : null,
          now.streams,
          now.viewersPerStream,
          now.streamsPerUser,
        ],
      );
      await audit(tx, {
        actor,
        action: 'group.update',
        target: name,
        details: { before: rows[0].limits, ...change },
      });
      return changed[0];
    });
  }

  /** @throws DomainError NOT_FOUND, CONFLICT while it has live slots */
  async remove(name: string, actor: string): Promise<void> {
    try {
      await this.change(async (tx) => {
        const [, count] = await tx.query<[unknown[], number]>('DELETE FROM groups WHERE name = $1', [name]);
        if (count === 0) throw noSuchGroup(name);
        await audit(tx, { actor, action: 'group.delete', target: name });
      });
    } catch (error) {
      if ((error as { driverError?: { code?: string } }).driverError?.code !== '23001') throw error;
      throw new DomainError('CONFLICT', `group ${name} has live streams; stop them first`, { cause: error });
    }
  }

  /** The limits over all groups. */
  async total(): Promise<TotalLimits> {
    const rows = await this.database.query<{ limits: TotalLimits }[]>(`SELECT ${TOTAL} FROM quota_settings`);
    return rows[0].limits;
  }

  /** @throws DomainError INVALID_INPUT */
  async setTotal(change: Partial<TotalLimits>, actor: string): Promise<TotalLimits> {
    const { pendingPercent, ...counts } = change;
    refuse([...limitProblems(counts), ...limitProblems({ pendingPercent }, 100)]);
    return this.database.transaction(async (tx) => {
      const rows = await tx.query<{ limits: TotalLimits }[]>(
        `SELECT ${TOTAL} FROM quota_settings FOR UPDATE`,
      );
      const before = rows[0].limits;
      const now = { ...before, ...given(change) };
      await tx.query(
        'UPDATE quota_settings SET max_streams = $1, max_pending_per_principal = $2, max_pending_percent = $3',
        [now.streams, now.pendingPerPrincipal, now.pendingPercent],
      );
      await audit(tx, { actor, action: 'quota.total', target: '*', details: { before, ...change } });
      return now;
    });
  }

  /** Adds the groups that are missing and leaves those that are there; sets the total only along with new groups. */
  async seed({ groups, total }: QuotaSeed, actor: string): Promise<void> {
    const missing: NewGroup[] = [];
    for (const group of groups) if (!(await this.find(group.name))) missing.push(group);
    for (const group of missing) await this.create(group, actor);
    if (total && missing.length > 0) await this.setTotal(total, actor);
  }

  /** One change of the groups at a time: whose pattern it is must not depend on who commits first. */
  private change<T>(act: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.database.transaction(async (tx) => {
      await tx.query('SELECT 1 FROM quota_settings FOR UPDATE');
      return act(tx);
    });
  }

  private async requireFreePatterns(
    tx: EntityManager,
    name: string,
    patterns: GroupPattern[],
  ): Promise<void> {
    const rows = await tx.query<{ name: string; value: string }[]>(
      `SELECT g.name, p->>'value' AS value FROM groups g CROSS JOIN jsonb_array_elements(g.patterns) AS p
         WHERE g.name <> $1 AND EXISTS (SELECT 1 FROM jsonb_array_elements($2::jsonb) AS w WHERE w = p) LIMIT 1`,
      [name, JSON.stringify(patterns)],
    );
    if (rows.length > 0)
      throw new DomainError('CONFLICT', `pattern ${rows[0].value} belongs to group ${rows[0].name}`);
  }
}

function patternProblems(patterns: GroupPattern[]): FieldProblem[] {
  if (!Array.isArray(patterns) || patterns.length === 0 || patterns.length > MAX_PATTERNS) {
    return [{ field: 'patterns', message: `patterns must be 1 to ${MAX_PATTERNS} patterns` }];
  }
  return patterns.flatMap((pattern, index) => {
    const problem = patternProblem(pattern);
    return problem ? [{ field: `patterns.${index}`, message: problem }] : [];
  });
}

function limitProblems(limits: Record<string, unknown>, max?: number): FieldProblem[] {
  return Object.entries(limits).flatMap(([name, value]) => {
    const problem = value === undefined ? undefined : limitProblem(name, value, max);
    return problem ? [{ field: `limits.${name}`, message: problem }] : [];
  });
}

function refuse(fields: FieldProblem[]): void {
  if (fields.length > 0) throw new DomainError('INVALID_INPUT', fields[0].message, { fields });
}

const given = <T extends object>(change: T): T =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as T;

const noSuchGroup = (name: string): DomainError => new DomainError('NOT_FOUND', `there is no group ${name}`);
