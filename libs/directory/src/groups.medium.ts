import { EXAMPLE_QUOTA, SlotStore } from '@rovercast/quota';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { Groups } from './groups';

let database: TestDatabase;
let groups: Groups;

beforeAll(async () => {
  database = await aDatabase();
  groups = new Groups(database.source);
});
afterAll(() => database.drop());

beforeEach(async () => {
  await database.source.query('DELETE FROM slots');
  await database.source.query('UPDATE quota_counters SET used = 0');
  await database.source.query(`DELETE FROM groups WHERE name <> 'robots'`);
  await database.source.query('DELETE FROM audit_events');
});

const audited = (): Promise<Record<string, unknown>[]> =>
  database.source.query('SELECT actor, action, target, details FROM audit_events ORDER BY id');
const buses = { name: 'bus_', patterns: [{ kind: 'prefix' as const, value: 'cameras/bus_' }] };

it('begins with a group for robots that limits nothing', async () => {
  expect(await groups.list({ limit: 10, after: null })).toEqual([
    {
      name: 'robots',
      patterns: [{ kind: 'path', value: 'robots/**' }],
      limits: { streams: null, viewersPerStream: null, streamsPerUser: null },
      createdAt: expect.any(Date),
    },
  ]);
  expect(await groups.total()).toEqual({ streams: null, pendingPerPrincipal: 2, pendingPercent: 10 });
});

it('makes, changes and removes a group, and writes down who did', async () => {
  const made = await groups.create({ ...buses, limits: { streams: 20 } }, 'ann');
  expect(made).toMatchObject({
    ...buses,
    limits: { streams: 20, viewersPerStream: null, streamsPerUser: null },
  });
  const changed = await groups.update('bus_', { limits: { viewersPerStream: 4 } }, 'bob');
  expect(changed).toMatchObject({ ...buses, limits: { streams: 20, viewersPerStream: 4 } });
  expect(await groups.find('bus_')).toEqual(changed);
  expect((await groups.update('bus_', { limits: { streams: null } }, 'bob')).limits.streams).toBeNull();
  await groups.remove('bus_', 'cid');
  expect(await groups.find('bus_')).toBeUndefined();
  expect(await audited()).toMatchObject([
    { actor: 'ann', action: 'group.create', target: 'bus_', details: { limits: { streams: 20 } } },
    {
      actor: 'bob',
      action: 'group.update',
      details: { before: { streams: 20 }, limits: { viewersPerStream: 4 } },
    },
    { actor: 'bob', action: 'group.update' },
    { actor: 'cid', action: 'group.delete', target: 'bus_' },
  ]);
});

it.each([
  [{ ...buses, name: 'a b' }, 'name'],
  [{ ...buses, name: '*' }, 'name'],
  [{ ...buses, name: '' }, 'name'],
  [{ ...buses, patterns: [] }, 'patterns'],
  [{ ...buses, patterns: [{ kind: 'prefix' as const, value: 'cameras/' }] }, 'patterns.0'],
  [{ ...buses, limits: { streams: -1 } }, 'limits.streams'],
  [{ ...buses, limits: { streams: 1e12 } }, 'limits.streams'],
  [{ ...buses, limits: { streams: NaN } }, 'limits.streams'],
  [{ ...buses, limits: { streamsPerUser: 0.5 } }, 'limits.streamsPerUser'],
])('refuses %j for its %s, and writes nothing', async (group, field) => {
  await expect(groups.create(group, 'ann')).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    fields: [expect.objectContaining({ field })],
  });
  expect(await audited()).toEqual([]);
});

it('names every bad limit at once', async () => {
  await expect(groups.setTotal({ streams: -1, pendingPercent: 101 }, 'ann')).rejects.toMatchObject({
    fields: [{ field: 'limits.streams' }, { field: 'limits.pendingPercent' }],
  });
});

it('gives a name and a pattern to one group only', async () => {
  await groups.create(buses, 'ann');
  await expect(groups.create(buses, 'ann')).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(groups.create({ ...buses, name: 'trams' }, 'ann')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'pattern cameras/bus_ belongs to group bus_',
  });
  await expect(groups.update('robots', { patterns: buses.patterns }, 'ann')).rejects.toMatchObject({
    code: 'CONFLICT',
  });
});

it('gives a pattern to one of two groups that are made at once', async () => {
  const results = await Promise.allSettled(
    ['one', 'two', 'three'].map((name) => groups.create({ ...buses, name }, 'ann')),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('does not know what is not there', async () => {
  await expect(groups.update('nope', {}, 'ann')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(groups.remove('nope', 'ann')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('keeps a group that has live streams, and frees nothing when a limit is lowered', async () => {
  const store = new SlotStore(database.source);
  await groups.create({ ...buses, limits: { streams: 5 } }, 'ann');
  await store.acquire({ path: 'cameras/bus_1', principal: { kind: 'camera', id: 'bus_1' } });
  await expect(groups.remove('bus_', 'ann')).rejects.toMatchObject({ code: 'CONFLICT' });
  await groups.update('bus_', { limits: { streams: 0 } }, 'ann');
  expect((await store.usage()).find(({ scope }) => scope === 'bus_')).toMatchObject({
    used: 1,
    limit: 0,
    reserved: 1,
  });
  await store.release({ path: 'cameras/bus_1' }, 'STOPPED');
  await groups.remove('bus_', 'ann');
  expect((await store.usage()).map(({ scope }) => scope)).toEqual(['*', 'robots']);
});

it('adds the example groups once, and leaves what people changed', async () => {
  await groups.seed(EXAMPLE_QUOTA, 'seed');
  const limits = (await groups.list({ limit: 10, after: null })).map(({ name, limits: { streams } }) => [
    name,
    streams,
  ]);
  expect(limits).toEqual([
    ['bus_', 20],
    ['dubai_police_', 50],
    ['metro_', 30],
    ['other_', 400],
    ['robots', null],
  ]);
  expect((await groups.total()).streams).toBe(500);
  await groups.update('bus_', { limits: { streams: 25 } }, 'ann');
  await groups.setTotal({ streams: 600 }, 'ann');
  await groups.seed(EXAMPLE_QUOTA, 'seed');
  expect((await groups.find('bus_'))?.limits.streams).toBe(25);
  expect((await groups.total()).streams).toBe(600);
});
