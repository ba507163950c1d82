import fc from 'fast-check';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { groupOf } from './groups.rules';
import { admits } from './limits.rules';
import { mayEnter, type SlotPrincipal } from './slot.machine';
import { SlotStore, type SlotRequest } from './slot.store';
import { newEpoch } from './test-quota';

/** The SQL functions against the rules that say what they should answer, one call after the other. */
let database: TestDatabase;
let store: SlotStore;
let epoch: number;

beforeAll(async () => {
  database = await aDatabase();
  store = new SlotStore(database.source);
  epoch = await newEpoch(database.source);
});
afterAll(() => database.drop());

const GROUPS = [
  { name: 'a_', patterns: [{ kind: 'prefix' as const, value: 'a_' }] },
  { name: 'b', patterns: [{ kind: 'path' as const, value: 'b/*' }] },
];
const PATHS = ['a_1', 'a_2', 'a_3', 'a_4', 'b/1', 'b/2', 'b/3', 'c'];

interface Held {
  id: string;
  generation: number;
  group: string;
  principal: SlotPrincipal;
  userId?: string;
  state: 'reserved' | 'active';
}

const limit = fc.option(fc.integer({ min: 0, max: 4 }), { nil: null });
const world = fc.record({
  group: fc.record({ streams: limit, streamsPerUser: limit, viewersPerStream: fc.constant(null) }),
  total: fc.record({
    streams: limit,
    pendingPerPrincipal: limit,
    pendingPercent: fc.constantFrom(null, 0, 10, 50, 100),
  }),
});
const operation = fc.record({
  path: fc.constantFrom(...PATHS),
  do: fc.constantFrom('acquire', 'acquire', 'acquire', 'activate', 'stop'),
  id: fc.constantFrom('p1', 'p1', 'p2', 'p3'),
  userId: fc.constantFrom('ann', 'bob', undefined),
});

it('answers what the rules answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      world,
      fc.array(operation, { minLength: 5, maxLength: 40 }),
      async ({ group, total }, moves) => {
        await database.source.query('DELETE FROM slots');
        await database.source.query(`UPDATE quota_counters SET used = 0`);
        await database.source.query(`DELETE FROM groups`);
        for (const { name, patterns } of GROUPS)
          await database.source.query(
            'INSERT INTO groups (name, patterns, max_streams, max_streams_per_user) VALUES ($1, $2, $3, $4)',
            [name, JSON.stringify(patterns), group.streams, group.streamsPerUser],
          );
        await database.source.query(
          'UPDATE quota_settings SET max_streams = $1, max_pending_per_principal = $2, max_pending_percent = $3',
          [total.streams, total.pendingPerPrincipal, total.pendingPercent],
        );
        const live = new Map<string, Held>();
        const count = (which: (slot: Held) => boolean): number => [...live.values()].filter(which).length;

        const expected = ({ path, principal, userId }: SlotRequest) => {
          const there = live.get(path);
          if (there)
            return mayEnter(there.principal, principal)
              ? { outcome: 'held', slotId: there.id }
              : { outcome: 'denied', reason: 'PATH_TAKEN' };
          const name = groupOf(GROUPS, path)?.name;
          if (!name) return { outcome: 'denied', reason: 'NO_GROUP' };
          const answer = admits(group, total, {
            group: count((slot) => slot.group === name),
            total: live.size,
            user: userId === undefined ? -1 : count((slot) => slot.group === name && slot.userId === userId),
            pendingPrincipal: count(
              (slot) => slot.state === 'reserved' && slot.principal.id === principal.id,
            ),
            pendingGroup: count((slot) => slot.state === 'reserved' && slot.group === name),
          });
          if (answer.admits) return { outcome: 'granted', group: name };
          const { reason, used, limit } = answer;
          return { outcome: 'denied', reason, used, limit };
        };

        for (const move of moves) {
          const there = live.get(move.path);
          if (move.do === 'stop') {
            expect(await store.release({ path: move.path }, 'STOPPED')).toBe(there !== undefined);
            live.delete(move.path);
          } else if (move.do === 'activate') {
            if (!there) continue;
            const seen = { slot: there, node: 'n1', incarnation: 'r', sessionId: null };
            expect(await store.activate([seen], epoch)).toBe(1);
            there.state = 'active';
          } else {
            const request = {
              path: move.path,
              principal: { kind: 'user' as const, id: move.id },
              userId: move.userId,
            };
            const wanted = expected(request);
            const answer = await store.acquire(request);
            expect(answer).toMatchObject(wanted);
            if (answer.outcome === 'denied') continue;
            const { slotId: id, generation, group: name } = answer;
            if (answer.outcome === 'held')
              Object.assign(there!, { generation, userId: there!.userId ?? move.userId });
            else live.set(move.path, { ...request, id, generation, group: name, state: 'reserved' });
          }
        }
        for (const { scope, used } of await store.usage())
          expect({ scope, used }).toEqual({
            scope,
            used: count((slot) => scope === '*' || slot.group === scope),
          });
      },
    ),
    { numRuns: Number(process.env.QUOTA_SQL_RUNS ?? 60) },
  );
}, 120_000);
