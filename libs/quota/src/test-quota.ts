import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { SlotStore } from './slot.store';

/** A group with `cameras/{name}*` as its own, straight in the table. */
export async function aGroup(
  source: DataSource,
  name: string,
  limits: { streams?: number | null; streamsPerUser?: number | null } = {},
): Promise<void> {
  await source.query(
    'INSERT INTO groups (name, patterns, max_streams, max_streams_per_user) VALUES ($1, $2, $3, $4)',
    [
      name,
      JSON.stringify([{ kind: 'prefix', value: `cameras/${name}` }]),
      limits.streams ?? null,
      limits.streamsPerUser ?? null,
    ],
  );
}

export const setGroupLimit = (source: DataSource, name: string, streams: number | null): Promise<unknown> =>
  source.query('UPDATE groups SET max_streams = $2 WHERE name = $1', [name, streams]);

/** Limits over all groups; none where none is given. */
export const setTotal = (
  source: DataSource,
  { streams = null, perPrincipal = null, percent = null }: Partial<Record<string, number | null>>,
): Promise<unknown> =>
  source.query(
    'UPDATE quota_settings SET max_streams = $1, max_pending_per_principal = $2, max_pending_percent = $3',
    [streams, perPrincipal, percent],
  );

export const aCamera = (path: string, userId?: string) => ({
  path,
  principal: { kind: 'camera' as const, id: path },
  userId,
});

export const newEpoch = async (source: DataSource): Promise<number> => {
  const rows = await source.query<{ epoch: number }[]>(`SELECT take_lead('test')::float8 AS epoch`);
  return rows[0].epoch;
};

export interface Load {
  granted: number;
  held: number;
  denied: number;
  failed: string[];
  /** Of acquire alone, sorted, in milliseconds. */
  acquireMs: number[];
}

/**
 * Workers that take, keep, free and lose slots at random; every worker draws from the same paths, so that they meet.
 * Refusals are results; anything thrown is counted in `failed`.
 */
export async function runLoad(
  store: SlotStore,
  work: { workers: number; operations: number; paths: string[]; epoch: number; random: () => number },
): Promise<Load> {
  const { paths, epoch, random } = work;
  const load: Load = { granted: 0, held: 0, denied: 0, failed: [], acquireMs: [] };
  const mine = Array.from(
    { length: work.workers },
    () => new Map<string, { id: string; generation: number }>(),
  );
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];

  const acquire = async (
    own: Map<string, { id: string; generation: number }>,
    worker: number,
  ): Promise<void> => {
    const path = pick(paths);
    const startedAt = performance.now();
    const answer = await store.acquire({
      path,
      principal: { kind: 'camera', id: random() < 0.9 ? path : `thief-${worker}` },
      userId: `user-${worker % 5}`,
    });
    load.acquireMs.push(performance.now() - startedAt);
    load[answer.outcome] += 1;
    if (answer.outcome !== 'denied') own.set(path, { id: answer.slotId, generation: answer.generation });
  };

  const change = async (own: Map<string, { id: string; generation: number }>): Promise<void> => {
    const [path, slot] = pick([...own]);
    const dice = random();
    if (dice < 0.45) {
      const seen = { node: 'n1', incarnation: 'v1', sessionId: randomUUID() };
      return void (await store.activate([{ slot, ...seen }], epoch));
    }
    let ended = true;
    if (dice < 0.6) ended = await store.release({ slotId: slot.id, generation: slot.generation }, 'STOPPED');
    else if (dice < 0.75) await store.release({ path }, 'KICKED');
    else if (dice < 0.9) ended = await store.releaseGone(slot, epoch);
    else ended = (await store.expire([...own.values(), slot], epoch)) > 0;
    if (ended) own.delete(path);
    else if (random() < 0.5) await store.release({ path }, 'REVOKED');
  };

  await Promise.all(
    mine.map(async (own, worker) => {
      for (let operation = 0; operation < work.operations; operation += 1) {
        try {
          await (own.size === 0 || random() < 0.5 ? acquire(own, worker) : change(own));
        } catch (error) {
          load.failed.push((error as Error).message);
        }
      }
    }),
  );
  load.acquireMs.sort((one, other) => one - other);
  return load;
}

export interface Sampler {
  samples: number;
  /** What must never be: a counter or a count of rows above its limit, or the two apart. */
  findings: string[];
  stop(): Promise<void>;
}

/** Reads counters and rows in one snapshot, again and again, while something else works. Limits must not be lowered meanwhile. */
export function startSampler(source: DataSource, everyMs = 20): Sampler {
  let stopped = false;
  const sampler: Sampler = { samples: 0, findings: [], stop: () => Promise.resolve() };
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const rows = await source.query<{ scope: string; used: number; live: number; limit: number | null }[]>(
        `SELECT c.scope, c.used, CASE WHEN c.scope = '*' THEN q.max_streams ELSE g.max_streams END AS limit,
           (SELECT count(*) FROM slots s WHERE s.state <> 'ended' AND (c.scope = '*' OR s.group_name = c.scope))::integer AS live
         FROM quota_counters c CROSS JOIN quota_settings q LEFT JOIN groups g ON g.name = c.scope`,
      );
      sampler.samples += 1;
      for (const { scope, used, live, limit } of rows) {
        if (used !== live) sampler.findings.push(`${scope}: counter ${used}, rows ${live}`);
        if (limit !== null && live > limit) sampler.findings.push(`${scope}: ${live} of ${limit}`);
      }
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  const running = loop();
  sampler.stop = async () => {
    stopped = true;
    await running;
  };
  return sampler;
}

/** A random source that gives the same again (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Deadlocks that this database has had. */
export async function deadlocks(source: DataSource): Promise<number> {
  const rows = await source.query<{ deadlocks: number }[]>(
    'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
  );
  return rows[0].deadlocks;
}
