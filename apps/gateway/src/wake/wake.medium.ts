import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { deriveKeys, PasswordPool } from '@rovercast/access';
import { LEASE_TTL_MS, WAKE_CHANNEL } from '@rovercast/contracts';
import { Robots, Users } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import { randomUUID } from 'node:crypto';
import { aedesBroker, type TestBroker } from '../../../../test/support/brokers';
import { aDatabase, type TestDatabase } from '../../../../test/support/database';
import { FakeRobot } from '../../../../test/support/fake-robot';
import { until } from '../../../../test/support/until';
import { PresenceRegistry } from '../fleet/presence.registry';
import { createGatewayApp } from '../gateway.app';
import { GatewaySettings } from '../gateway.settings';

const SECRET = 'a-secret-of-at-least-32-characters-for-tests';

jest.setTimeout(40_000);

let database: TestDatabase;
let broker: TestBroker;
let gateways: NestFastifyApplication[];
let robot: FakeRobot;
let annaId: string;

const aGateway = async (): Promise<NestFastifyApplication> => {
  const settings = parseSettings(GatewaySettings, {
    LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    AUTH_SECRET: SECRET,
    MQTT_URL: broker.url.replace('mqtt://', 'mqtt://gateway:secret@'),
    MQTT_VERSION: '4',
    MONITOR_URL: 'http://127.0.0.1:9',
    MONITOR_TOKEN: 'monitor-token-for-tests',
  });
  const app = await createGatewayApp(settings);
  await app.listen(0, '127.0.0.1');
  return app;
};

beforeAll(async () => {
  database = await aDatabase();
  const passwords = new PasswordPool();
  const anna = await new Users(database.source, passwords).create(
    { username: 'anna', password: 'correct horse battery', role: 'viewer' },
    'test',
  );
  annaId = anna.id;
  await passwords.close();
  const robots = new Robots(database.source, deriveKeys(SECRET));
  await robots.create({ id: 'r1', cameras: ['main', 'rear'] }, 'test');
  await robots.create({ id: 'away' }, 'test');
  await robots.create({ id: 'old', kind: 'legacy', legacyTopic: 'robot/stream' }, 'test');
  broker = await aedesBroker();
  gateways = [await aGateway(), await aGateway()];
  robot = await FakeRobot.connect(broker.url, 'r1');
  for (const gateway of gateways) {
    await until(() => gateway.get(PresenceRegistry).isOnline('r1'), { timeoutMs: 5_000 });
  }
  await until(async () => {
    const rows = await database.source.query<unknown[]>(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = 'gateway-wake-listen' AND datname = current_database()`,
    );
    return rows.length === gateways.length;
  });
});

afterAll(async () => {
  await robot?.close();
  await Promise.all(gateways?.map((gateway) => gateway.close()) ?? []);
  await broker?.stop();
  await database?.drop();
});

/** No gateway is still at work on what the last test rang for. */
beforeEach(async () => {
  await until(async () => (await ended()) === rings * gateways.length);
  robot.answer = () => ({ code: 'accepted' });
  await database.source.query('DELETE FROM streams');
  await database.source.query('DELETE FROM stream_wishes');
  robot.heard.length = 0;
});

let rings = 0;

const ring = async (change: object = {}): Promise<string> => {
  rings += 1;
  const request = { id: randomUUID(), path: 'robots/r1', reader: 'anna', ageMs: 0, ...change };
  await database.source.query('SELECT pg_notify($1, $2)', [WAKE_CHANNEL, JSON.stringify(request)]);
  return request.id;
};

/** What the robot was told; gateways repeat each other's words, with the same version. */
const versionsTold = (): number[] => [...new Set(robot.orders().map(({ version }) => version))];

const streams = (): Promise<{ id: string; camera: string; state: string; by: string; leased: boolean }[]> =>
  database.source.query(
    `SELECT id, camera, state, requested_by AS by, lease_until > clock_timestamp() AS leased FROM streams ORDER BY requested_at`,
  );

/** How often the gateways together have come to this end, or to any. */
const ended = async (result = '\\w+'): Promise<number> => {
  const texts = await Promise.all(
    gateways.map(async (gateway) => (await fetch(`${await gateway.getUrl()}/metrics`)).text()),
  );
  const lines = new RegExp(`^wakes_total\\{result="${result}"\\} (\\d+)$`, 'gm');
  return texts
    .flatMap((text) => [...text.matchAll(lines)])
    .reduce((sum, [, count]) => sum + Number(count), 0);
};

/** Rings, and waits until both gateways are done with it. */
const ringAndWait = async (result: string, change: object = {}): Promise<void> => {
  const before = await ended(result);
  await ring(change);
  await until(async () => (await ended(result)) === before + gateways.length);
};

it('starts the camera once, in the name of who reads, without a lease', async () => {
  const id = await ring();
  await until(async () => (await streams()).at(0)?.state === 'starting');
  expect(await streams()).toEqual([{ id, camera: 'main', state: 'starting', by: annaId, leased: false }]);
  expect(robot.orders()[0]).toMatchObject({ state: 'on', sessionId: id, leaseTtlMs: LEASE_TTL_MS });
  expect(robot.orders()[0].ingest?.url).toContain('/robots/r1');
});

it('starts another camera of the robot by its own path, for a ticket whose maker is no user', async () => {
  await ring({ path: 'robots/r1/rear', reader: 'a share link' });
  await until(async () => (await streams()).at(0)?.state === 'starting');
  expect((await streams())[0]).toMatchObject({ camera: 'rear', by: null });
});

it('does nothing more while it runs', async () => {
  await ring();
  await until(async () => (await streams()).at(0)?.state === 'starting');
  await ringAndWait('RUNNING');
  expect(versionsTold()).toEqual([1]);
});

it('brings a robot back that is being stopped, and not for a reader from before the stop', async () => {
  const id = await ring();
  await until(async () => (await streams()).at(0)?.state === 'starting');
  await database.source.query(`SELECT close_stream($1, 'user', NULL, false, 'test')`, [id]);
  await ringAndWait('OVER', { ageMs: 50_000 });
  expect(await streams()).toHaveLength(1);
  await ring();
  await until(async () => (await streams()).at(1)?.state === 'starting');
  expect((await streams()).map(({ state }) => state)).toEqual(['stopped', 'starting']);
});

it('leaves a robot alone for a while that does not do as it is told', async () => {
  robot.answer = () => ({ code: 'rejected', reason: 'no such camera' });
  await ring();
  await until(async () => (await streams()).at(0)?.state === 'failed');
  await until(() => robot.orders().some(({ state }) => state === 'off'));
  for (let again = 0; again < 3; again += 1) await ringAndWait('BACKING_OFF');
  expect(versionsTold()).toEqual([1, 2]);
  expect(await streams()).toHaveLength(1);
});

it.each([
  ['is offline', 'ROBOT_OFFLINE', 'robots/away'],
  ['does not exist', 'NOT_FOUND', 'robots/nobody'],
  ['has no such camera', 'NOT_FOUND', 'robots/r1/front'],
])('has nothing but a log line and a number for a robot that %s', async (_, result, path) => {
  await ringAndWait(result, { path });
  expect(await streams()).toEqual([]);
  expect(robot.orders()).toEqual([]);
});

it('does not start a disabled robot', async () => {
  await database.source.query(`UPDATE robots SET disabled_at = now() WHERE id = 'r1'`);
  await ringAndWait('CONFLICT');
  expect(robot.heard).toEqual([]);
  await database.source.query('UPDATE robots SET disabled_at = NULL');
});

it('starts a robot of the older kind', async () => {
  await robot.client.subscribeAsync('robot/stream');
  await ring({ path: 'robots/old' });
  await until(() =>
    robot.heard.some(({ topic, payload }) => topic === 'robot/stream' && payload === 'start'),
  );
});

it.each(['', '{', '[]', 'null', '{"path":"robots/r1"}', '{"id":1,"path":[],"reader":{},"ageMs":"x"}'])(
  'is not disturbed by a request that is none: %s',
  async (payload) => {
    const before = await ended('INVALID_INPUT');
    rings += 1;
    await database.source.query('SELECT pg_notify($1, $2)', [WAKE_CHANNEL, payload]);
    await until(async () => (await ended('INVALID_INPUT')) === before + gateways.length);
    expect(await streams()).toEqual([]);
  },
);
