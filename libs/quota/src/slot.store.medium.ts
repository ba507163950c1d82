import { createDataSource } from '@rovercast/database';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { aDatabase, asSuperuser, type TestDatabase } from '../../../test/support/database';
import { aProxyTo } from '../../../test/support/tcp-proxy';
import { takeLead } from './lead';
import { SlotStore, StaleEpoch, type Admission } from './slot.store';
import {
  aCamera,
  aGroup,
  deadlocks,
  newEpoch,
  runLoad,
  seeded,
  setGroupLimit,
  setTotal,
  startSampler,
} from './test-quota';

let database: TestDatabase;
let store: SlotStore;

beforeAll(async () => {
  database = await aDatabase();
  store = new SlotStore(database.source);
});
afterAll(() => database.drop());

beforeEach(async () => {
  await database.source.query('DELETE FROM slots');
  await database.source.query('UPDATE quota_counters SET used = 0');
  await database.source.query(`DELETE FROM groups WHERE name <> 'robots'`);
  await setTotal(database.source, {});
});

afterEach(async () => {
  for (const { scope, used, reserved, active } of await store.usage())
    expect({ scope, used }).toEqual({ scope, used: reserved + active });
});

const granted = (admission: Admission): { id: string; generation: number } => {
  if (admission.outcome === 'denied') throw new Error(`denied: ${admission.reason}`);
  return { id: admission.slotId, generation: admission.generation };
};
const where = { node: 'n1', incarnation: 'v1 t1', sessionId: 's1' };
const passReservation = (id: string): Promise<unknown> =>
  database.source.query(
    `UPDATE slots SET reserved_until = clock_timestamp() - interval '1 ms' WHERE id = $1`,
    [id],
  );
const used = async (scope: string): Promise<number> =>
  (await store.usage()).find((usage) => usage.scope === scope)!.used;

describe('acquire', () => {
  it('grants up to the limit of the group, and says what is full', async () => {
    await aGroup(database.source, 'bus_', { streams: 2 });
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({
      outcome: 'granted',
      group: 'bus_',
    });
    expect(await store.acquire(aCamera('cameras/bus_2'))).toMatchObject({ outcome: 'granted' });
    expect(await store.acquire(aCamera('cameras/bus_3'))).toEqual({
      outcome: 'denied',
      reason: 'GROUP_FULL',
      group: 'bus_',
      used: 2,
      limit: 2,
    });
  });

  it('lets nobody in with a limit of zero', async () => {
    await aGroup(database.source, 'bus_', { streams: 0 });
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({ reason: 'GROUP_FULL', limit: 0 });
  });

  it('counts the total over all groups', async () => {
    await setTotal(database.source, { streams: 1 });
    await store.acquire(aCamera('robots/r1'));
    await aGroup(database.source, 'bus_', { streams: 9 });
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({
      reason: 'TOTAL_FULL',
      used: 1,
      limit: 1,
    });
    expect(await used('bus_')).toBe(0);
  });

  it('is free for who holds the path already, even when everything is full', async () => {
    await aGroup(database.source, 'bus_', { streams: 1 });
    const first = await store.acquire(aCamera('cameras/bus_1'));
    const again = await store.acquire(aCamera('cameras/bus_1'));
    expect(again).toMatchObject({ outcome: 'held', slotId: granted(first).id, group: 'bus_' });
    expect(granted(again).generation).toBeGreaterThan(granted(first).generation);
    expect(await used('bus_')).toBe(1);
  });

  it('refuses a path that another holds', async () => {
    await store.acquire(aCamera('robots/r1'));
    const thief = { path: 'robots/r1', principal: { kind: 'user' as const, id: 'robots/r1' } };
    expect(await store.acquire(thief)).toMatchObject({ outcome: 'denied', reason: 'PATH_TAKEN' });
  });

  it.each(['nowhere/r1', 'robot/r1', 'Robots/r1', 'robots//r1', 'robots/../r1', ''])(
    'lets nobody in on "%s", which belongs to no group',
    async (path) => {
      expect(await store.acquire(aCamera(path))).toMatchObject({
        outcome: 'denied',
        reason: 'NO_GROUP',
        group: null,
      });
    },
  );

  it('holds the streams that one user has in a group', async () => {
    await aGroup(database.source, 'bus_', { streams: 9, streamsPerUser: 1 });
    await store.acquire(aCamera('cameras/bus_1', 'ann'));
    expect(await store.acquire(aCamera('cameras/bus_2', 'ann'))).toMatchObject({
      reason: 'USER_FULL',
      limit: 1,
    });
    expect(await store.acquire(aCamera('cameras/bus_2', 'bob'))).toMatchObject({ outcome: 'granted' });
  });

  it('holds what one principal, and a group, may reserve without streaming', async () => {
    await setTotal(database.source, { perPrincipal: 2, percent: 10 });
    await aGroup(database.source, 'bus_', { streams: 30 });
    const robot = { kind: 'robot' as const, id: 'r1' };
    for (const camera of ['a', 'b']) await store.acquire({ path: `robots/r1/${camera}`, principal: robot });
    expect(await store.acquire({ path: 'robots/r1/c', principal: robot })).toMatchObject({
      reason: 'PRINCIPAL_PENDING',
      limit: 2,
    });
    const slots = [];
    for (const bus of [1, 2, 3]) slots.push(granted(await store.acquire(aCamera(`cameras/bus_${bus}`))));
    expect(await store.acquire(aCamera('cameras/bus_4'))).toMatchObject({
      reason: 'GROUP_PENDING',
      used: 3,
      limit: 3,
    });
    const epoch = await newEpoch(database.source);
    await store.activate([{ slot: slots[0], ...where }], epoch);
    expect(await store.acquire(aCamera('cameras/bus_4'))).toMatchObject({ outcome: 'granted' });
  });

  it('goes by the groups as they are, not as they were when it last looked', async () => {
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({ reason: 'NO_GROUP' });
    await aGroup(database.source, 'bus_', { streams: 1 });
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({
      outcome: 'granted',
      group: 'bus_',
    });
    await database.source.query(`UPDATE groups SET patterns = $1 WHERE name = 'bus_'`, [
      JSON.stringify([{ kind: 'path', value: 'trams/*' }]),
    ]);
    expect(await store.acquire(aCamera('cameras/bus_2'))).toMatchObject({ reason: 'NO_GROUP' });
  });

  it('gives the last slot to exactly one of fifty', async () => {
    await aGroup(database.source, 'bus_', { streams: 10 });
    for (let bus = 0; bus < 9; bus += 1) await store.acquire(aCamera(`cameras/bus_${bus}`));
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, bus) => store.acquire(aCamera(`cameras/bus_last_${bus}`))),
    );
    expect(answers.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === 'denied')).toHaveLength(49);
  });

  it('gives one path to exactly one of fifty principals, and once to fifty calls of one', async () => {
    const others = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        store.acquire({ path: 'robots/r1', principal: { kind: 'user', id: `u${n}` } }),
      ),
    );
    expect(others.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1);
    const same = await Promise.all(Array.from({ length: 50 }, () => store.acquire(aCamera('robots/r2'))));
    expect(same.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1);
    expect(same.filter(({ outcome }) => outcome === 'held')).toHaveLength(49);
    expect(await used('robots')).toBe(2);
  });
});

describe('a lowered limit', () => {
  it('frees nothing and admits nobody until enough have ended', async () => {
    await aGroup(database.source, 'bus_', { streams: 3 });
    const slots = [];
    for (const bus of [1, 2, 3]) slots.push(granted(await store.acquire(aCamera(`cameras/bus_${bus}`))));
    await setGroupLimit(database.source, 'bus_', 2);
    expect(await used('bus_')).toBe(3);
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({ outcome: 'held' });
    await store.release({ slotId: slots[0].id }, 'STOPPED');
    expect(await store.acquire(aCamera('cameras/bus_4'))).toMatchObject({
      reason: 'GROUP_FULL',
      used: 2,
      limit: 2,
    });
    await store.release({ slotId: slots[1].id }, 'STOPPED');
    expect(await store.acquire(aCamera('cameras/bus_4'))).toMatchObject({ outcome: 'granted' });
  });

  it('lets nobody in under the old limit once the new one is there', async () => {
    await aGroup(database.source, 'bus_', { streams: 1_000 });
    let lowered = Infinity;
    const work = Array.from({ length: 8 }, async (_, worker) => {
      const late = [];
      for (let bus = 0; bus < 60; bus += 1) {
        const startedAt = performance.now();
        const answer = await store.acquire(aCamera(`cameras/bus_${worker}_${bus}`));
        if (startedAt > lowered && answer.outcome === 'granted') late.push(answer);
      }
      return late;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await setGroupLimit(database.source, 'bus_', 0);
    lowered = performance.now();
    expect((await Promise.all(work)).flat()).toEqual([]);
  });
});

describe('release', () => {
  it('frees a slot once', async () => {
    const slot = granted(await store.acquire(aCamera('robots/r1')));
    expect(await store.release({ slotId: slot.id }, 'STOPPED')).toBe(true);
    expect(await store.release({ slotId: slot.id }, 'STOPPED')).toBe(false);
    expect(await store.release({ path: 'robots/r1' }, 'KICKED')).toBe(false);
    expect(await used('*')).toBe(0);
  });

  it('leaves a slot alone that was entered again since', async () => {
    const first = granted(await store.acquire(aCamera('robots/r1')));
    await store.acquire(aCamera('robots/r1'));
    expect(await store.release({ slotId: first.id, generation: first.generation }, 'STOPPED')).toBe(false);
    expect(await used('*')).toBe(1);
  });
});

describe('the reconciler', () => {
  let epoch: number;
  beforeEach(async () => {
    epoch = await newEpoch(database.source);
  });

  it('brings a slot from reserved to active to gone', async () => {
    const slot = granted(await store.acquire(aCamera('robots/r1')));
    expect(await store.releaseGone(slot, epoch)).toBe(false);
    expect(await store.activate([{ slot, ...where }], epoch)).toBe(1);
    const [live] = (await store.live(epoch)).slots;
    expect(live).toMatchObject({ ...where, id: slot.id, state: 'active', reservedUntil: null });
    expect(live.lastSeenAt).toBeGreaterThanOrEqual(live.enteredAt);
    expect(await store.releaseGone(slot, epoch)).toBe(true);
    expect((await store.live(epoch)).slots).toEqual([]);
  });

  it('does not free or activate what was entered again since it decided', async () => {
    const slot = granted(await store.acquire(aCamera('robots/r1')));
    await store.activate([{ slot, ...where }], epoch);
    await store.acquire({ ...aCamera('robots/r1'), seen: { node: 'n2' } });
    expect(await store.releaseGone(slot, epoch)).toBe(false);
    expect(await store.activate([{ slot, ...where }], epoch)).toBe(0);
    expect((await store.live(epoch)).slots[0]).toMatchObject({
      node: 'n2',
      sessionId: null,
      reservedUntil: expect.any(Number),
    });
  });

  it('expires reservations by the clock of the database only', async () => {
    await aGroup(database.source, 'bus_');
    const [one, two, three] = await Promise.all(
      ['robots/r1', 'cameras/bus_1', 'robots/r3'].map(async (path) =>
        granted(await store.acquire(aCamera(path))),
      ),
    );
    await passReservation(one.id);
    await passReservation(two.id);
    expect(await store.expire([one, two, three, one], epoch)).toBe(2);
    expect(await used('*')).toBe(1);
    await store.activate([{ slot: three, ...where }], epoch);
    expect(await store.expire([three], epoch)).toBe(0);
  });

  it('adopts what runs, limits or not, and its owner may enter it', async () => {
    await aGroup(database.source, 'bus_', { streams: 0 });
    const id = await store.adopt({ path: 'cameras/bus_1', ...where }, epoch);
    expect(id).toEqual(expect.any(String));
    expect(await store.adopt({ path: 'cameras/bus_1', ...where }, epoch)).toBe(id);
    expect(await store.adopt({ path: 'nowhere', ...where }, epoch)).toBeUndefined();
    expect(await used('bus_')).toBe(1);
    expect(await store.acquire(aCamera('cameras/bus_1'))).toMatchObject({ outcome: 'held', slotId: id });
    const thief = { path: 'cameras/bus_1', principal: { kind: 'user' as const, id: 'x' } };
    expect(await store.acquire(thief)).toMatchObject({ reason: 'PATH_TAKEN' });
  });

  it('repairs counters that were made wrong', async () => {
    await store.acquire(aCamera('robots/r1'));
    await database.source.query('UPDATE quota_counters SET used = 7');
    expect(await store.recount(epoch)).toEqual(
      expect.arrayContaining([
        { scope: '*', was: 7, is: 1 },
        { scope: 'robots', was: 7, is: 1 },
      ]),
    );
    expect(await store.recount(epoch)).toEqual([]);
  });

  it('is refused everything once another leads', async () => {
    const slot = granted(await store.acquire(aCamera('robots/r1')));
    await newEpoch(database.source);
    for (const write of [
      () => store.activate([{ slot, ...where }], epoch),
      () => store.releaseGone(slot, epoch),
      () => store.expire([slot], epoch),
      () => store.adopt({ path: 'robots/r2', ...where }, epoch),
      () => store.recount(epoch),
    ])
      await expect(write()).rejects.toThrow(StaleEpoch);
    expect(await used('*')).toBe(1);
    await expect(
      database.source.query(`SELECT release_slot($1, NULL, NULL, 'GONE', NULL)`, [slot.id]),
    ).rejects.toThrow('does not lead');
  });

  it('leads alone, and again once the other has let go or lost its connection', async () => {
    const first = (await takeLead({ url: database.url, holder: 'one' }))!;
    expect(await takeLead({ url: database.url, holder: 'two' })).toBeUndefined();
    expect(first.epoch).toBeGreaterThan(epoch);
    await asSuperuser(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'one-lead' AND datname = $1`,
      [new URL(database.url).pathname.slice(1)],
    );
    let second = await takeLead({ url: database.url, holder: 'two' });
    for (let tries = 0; !second && tries < 50; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      second = await takeLead({ url: database.url, holder: 'two' });
    }
    expect(second!.epoch).toBe(first.epoch + 1);
    expect(first.held()).toBe(false);
    await expect(store.recount(first.epoch)).rejects.toThrow(StaleEpoch);
    await second!.release();
  });

  it('can tell another, an older and an emptied database', async () => {
    const slot = granted(await store.acquire(aCamera('robots/r1')));
    const { database: before } = await store.live(epoch);
    expect(before).toMatchObject({ identity: expect.stringMatching(/^\d+\/00000001$/), vanished: 0 });
    await store.release({ slotId: slot.id }, 'STOPPED');
    const { database: after } = await store.live(epoch, [slot.id]);
    expect(after).toMatchObject({
      identity: before.identity,
      vanished: 0,
      markBefore: before.mark,
      counterDrift: 0,
    });
    expect(after.mark).not.toBe(before.mark);
    await database.source.query('DELETE FROM slots');
    expect((await store.live(epoch, [slot.id, randomUUID()])).database.vanished).toBe(2);
    await store.acquire(aCamera('robots/r2'));
    await database.source.query('DELETE FROM slots');
    expect((await store.live(epoch)).database.counterDrift).toBe(1);
    await store.recount(epoch);
  });
});

describe('holders', () => {
  it('are listed by page, the oldest first', async () => {
    await aGroup(database.source, 'bus_');
    for (const path of ['cameras/bus_1', 'robots/r1', 'cameras/bus_2'])
      await store.acquire(aCamera(path, 'ann'));
    const all = await store.listHolders({ limit: 10 });
    expect(all.map(({ path }) => path)).toEqual(['cameras/bus_1', 'robots/r1', 'cameras/bus_2']);
    expect(all[0]).toMatchObject({
      group: 'bus_',
      principal: { kind: 'camera', id: 'cameras/bus_1' },
      userId: 'ann',
      state: 'reserved',
      adopted: false,
      since: expect.any(Date),
    });
    const page = await store.listHolders({ group: 'bus_', limit: 1 });
    const next = await store.listHolders({ group: 'bus_', limit: 1, after: page[0].slotId });
    expect(next.map(({ path }) => path)).toEqual(['cameras/bus_2']);
  });
});

describe('trouble', () => {
  it('waits for a frozen holder of the counters no longer than the deadline, and grants once it is gone', async () => {
    const frozen = new Client({ connectionString: database.url });
    await frozen.connect();
    await frozen.query(`BEGIN; SELECT 1 FROM quota_counters WHERE scope = '*' FOR UPDATE`);
    const startedAt = performance.now();
    await expect(store.acquire(aCamera('robots/r1'), { deadlineMs: 150 })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retryAfterSeconds: 1,
    });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const waiting = store.acquire(aCamera('robots/r1'), { deadlineMs: 2_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await frozen.end();
    expect(await waiting).toMatchObject({ outcome: 'granted' });
  });

  it('leaves nothing behind when the connection dies in the middle', async () => {
    const proxy = await aProxyTo({ host: '127.0.0.1', port: Number(new URL(database.url).port) });
    const url = new URL(database.url);
    url.port = String(proxy.port);
    const source = createDataSource({ url: url.toString(), applicationName: 'victim', poolSize: 4 });
    await source.initialize();
    const victim = new SlotStore(source, 300);
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    await blocker.query(`BEGIN; SELECT 1 FROM quota_counters WHERE scope = 'robots' FOR UPDATE`);
    const calls = Promise.allSettled(
      Array.from({ length: 4 }, (_, n) => victim.acquire(aCamera(`robots/r${n}`), { deadlineMs: 2_000 })),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await asSuperuser(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND datname = $1`,
      [url.pathname.slice(1)],
    );
    proxy.setMode('refuse');
    expect((await calls).every(({ status }) => status === 'rejected')).toBe(true);
    await blocker.end();
    expect(await used('*')).toBe(0);
    await source.destroy();
    await proxy.close();
  });

  it('never over-admits, drifts or deadlocks under 20 workers of 500 operations', async () => {
    await setTotal(database.source, { streams: 60 });
    const limits = { dubai_police_: 25, metro_: 15, bus_: 10, other_: 40 };
    const paths = [];
    for (const [name, streams] of Object.entries(limits)) {
      await aGroup(database.source, name, { streams, streamsPerUser: name === 'other_' ? 6 : null });
      for (let n = 0; n < streams * 2; n += 1) paths.push(`cameras/${name}${n}`);
    }
    const epoch = await newEpoch(database.source);
    const before = await deadlocks(database.source);
    const sampler = startSampler(database.source);
    const load = await runLoad(store, { workers: 20, operations: 500, paths, epoch, random: seeded(7) });
    await sampler.stop();
    expect(load.failed).toEqual([]);
    expect(sampler.findings).toEqual([]);
    expect(sampler.samples).toBeGreaterThan(5);
    expect(Math.min(load.granted, load.held, load.denied)).toBeGreaterThan(100);
    expect(await deadlocks(database.source)).toBe(before);
    expect(await store.recount(epoch)).toEqual([]);
  }, 120_000);
});
