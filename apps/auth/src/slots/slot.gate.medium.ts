import { deriveKeys, type Principal } from '@rovercast/access';
import { Groups, Robots } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import { randomUUID } from 'node:crypto';
import { aDatabase, type TestDatabase } from '../../../../test/support/database';
import { aProxyTo, type TcpProxy } from '../../../../test/support/tcp-proxy';
import { AuthSettings } from '../auth.settings';
import { SlotGate } from './slot.gate';

const SECRET = 'a-secret-of-at-least-32-characters-for-tests';

let database: TestDatabase;
let proxy: TcpProxy;
let gate: SlotGate;

beforeAll(async () => {
  database = await aDatabase();
  const real = new URL(database.url);
  proxy = await aProxyTo({ host: real.hostname, port: Number(real.port) });
  const proxied = Object.assign(new URL(database.url), { host: `127.0.0.1:${proxy.port}` });
  const groups = new Groups(database.source);
  await groups.create(
    { name: 'metro', patterns: [{ kind: 'prefix', value: 'cameras/metro_' }], limits: { streams: 2 } },
    'test',
  );
  await groups.setTotal({ pendingPercent: null }, 'test');
  const robots = new Robots(database.source, deriveKeys(SECRET));
  await robots.create({ id: 'r1' }, 'test');
  gate = new SlotGate(
    parseSettings(AuthSettings, {
      DATABASE_URL: proxied.toString(),
      AUTH_SECRET: SECRET,
      MEDIA_HOOK_SECRET: 'media-hook-secret-1',
      BROKER_HOOK_SECRET: 'broker-hook-secret-1',
    }),
  );
});

afterAll(async () => {
  await gate.onApplicationShutdown();
  await proxy.close();
  await database.drop();
});

const aUser = (username: string): Principal => ({
  kind: 'user',
  id: randomUUID(),
  username,
  role: 'admin',
  disabled: false,
  grants: [],
});

const enter = (path: string, principal: Principal) =>
  gate.enter({ path, principal, node: 'main', sessionId: randomUUID() });

it('lets as many publish as the group has slots, and says why it stops', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const answers = await Promise.all(names.map((name) => enter(`cameras/metro_${name}`, aUser(name))));
  expect(answers.filter((answer) => answer === undefined)).toHaveLength(2);
  expect(answers.filter((answer) => answer === 'QUOTA_EXCEEDED')).toHaveLength(2);
  const [row] = await database.source.query<{ used: number }[]>(
    `SELECT used FROM quota_counters WHERE scope = 'metro'`,
  );
  expect(row.used).toBe(2);
});

it('lets the same publisher in again, and nobody else onto its path', async () => {
  const alice = aUser('alice');
  expect(await enter('cameras/gate', alice)).toBeUndefined();
  expect(await enter('cameras/gate', alice)).toBeUndefined();
  expect(await enter('cameras/gate', aUser('bob'))).toBe('PATH_TAKEN');
});

it('lets nobody publish where no group is', async () => {
  expect(await enter('elsewhere/x', aUser('carol'))).toBe('NO_GROUP');
});

it('keeps known publishers and tickets going while Postgres is away, and lets in no others', async () => {
  const robot: Principal = { kind: 'robot', robotId: 'r1', disabled: false };
  expect(await enter('robots/r1', robot)).toBeUndefined();
  proxy.setMode('refuse');
  expect(await enter('robots/r1', robot)).toBeUndefined();
  expect(await enter('cameras/late', aUser('dave'))).toBe('SLOT_UNKNOWN');
  const ticket: Principal = { kind: 'ticket', subject: 'r1', action: 'publish', path: 'robots/r1/rear' };
  expect(await enter('robots/r1/rear', ticket)).toBeUndefined();
  proxy.setMode('relay');
});
