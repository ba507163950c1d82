import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { deriveKeys, PasswordPool } from '@rovercast/access';
import { Cameras, Users } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import { aedesBroker, type TestBroker } from '../../../../test/support/brokers';
import { RestClient } from '../../../../test/e2e/support/client';
import { aDatabase, type TestDatabase } from '../../../../test/support/database';
import { until } from '../../../../test/support/until';
import { createGatewayApp } from '../gateway.app';
import { GatewaySettings } from '../gateway.settings';

const SECRET = 'a-secret-of-at-least-32-characters-for-tests';
const PASSWORD = 'correct horse battery';
const SOURCE = 'rtsp://vmsuser:vmssecret@93.184.216.34:554/camera/7?channel=1';
const SHOWN = 'rtsp://vmsuser:***@93.184.216.34:554/camera/7?channel=1';

jest.setTimeout(40_000);

let database: TestDatabase;
let broker: TestBroker;
let app: NestFastifyApplication;
let admin: RestClient;
let operator: RestClient;
let viewer: RestClient;
let stranger: RestClient;

beforeAll(async () => {
  database = await aDatabase();
  broker = await aedesBroker();
  const passwords = new PasswordPool();
  const users = new Users(database.source, passwords);
  for (const [username, role] of [
    ['admin', 'admin'],
    ['operator', 'operator'],
    ['viewer', 'viewer'],
    ['stranger', 'operator'],
  ] as const) {
    await users.create({ username, password: PASSWORD, role }, 'test');
  }
  await passwords.close();
  await database.source.query(
    `INSERT INTO grants (user_id, action, pattern) SELECT id, 'read', 'cameras/*' FROM users WHERE username = 'viewer'`,
  );
  const settings = parseSettings(GatewaySettings, {
    LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    AUTH_SECRET: SECRET,
    MQTT_URL: broker.url.replace('mqtt://', 'mqtt://gateway:secret@'),
    MQTT_VERSION: '4',
    MONITOR_URL: 'http://127.0.0.1:9',
    MONITOR_TOKEN: 'monitor-token-for-tests',
    MEDIAMTX_PUBLIC_HOST: 'media.test',
  });
  app = await createGatewayApp(settings);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const login = (username: string): Promise<RestClient> =>
    RestClient.login(url, { username, password: PASSWORD });
  [admin, operator, viewer, stranger] = await Promise.all(
    ['admin', 'operator', 'viewer', 'stranger'].map(login),
  );
});

afterAll(async () => {
  await app?.close();
  await broker?.stop();
  await database?.drop();
});

beforeEach(async () => {
  await database.source.query('DELETE FROM cameras');
  await database.source.query('DELETE FROM audit_events');
});

const add = (by: RestClient, change: object = {}) =>
  by.post('/v1/cameras', { id: 'c1', source: SOURCE, ...change });

it('is added by an operator, who may see and change it, and shows no credentials', async () => {
  const added = await add(operator, { name: 'Gate 7', group: 'police' });
  expect(added.status).toBe(201);
  expect(added.body).toMatchObject({
    id: 'c1',
    name: 'Gate 7',
    group: 'police',
    path: 'cameras/c1',
    source: SHOWN,
  });
  // An account's rights are read once a second.
  await until(async () => (await operator.get('/v1/cameras/c1')).body.source === SHOWN);
  expect((await operator.get('/v1/cameras')).body.items.map(({ id }: { id: string }) => id)).toEqual(['c1']);
  const changed = await operator.call('PATCH', '/v1/cameras/c1', { name: 'Gate 8', group: null });
  expect(changed.body).toMatchObject({ name: 'Gate 8', group: null, source: SHOWN });
  expect((await operator.delete('/v1/cameras/c1')).status).toBe(204);
  expect((await operator.get('/v1/cameras/c1')).status).toBe(404);
});

it('keeps the source sealed, in no other column and in no line of the audit log', async () => {
  await add(admin);
  await admin.call('PATCH', '/v1/cameras/c1', { source: SOURCE.replace('vmssecret', 'vmsother') });
  const everything = JSON.stringify([
    await database.source.query(
      "SELECT id, name, source_shown, encode(source_sealed, 'escape') FROM cameras",
    ),
    await database.source.query('SELECT * FROM audit_events'),
  ]);
  expect(everything).toContain('camera.update');
  expect(everything).not.toMatch(/vmssecret|vmsother/);
  const cameras = new Cameras(database.source, [deriveKeys(SECRET)]);
  expect((await cameras.sources()).wanted).toEqual([
    { id: 'c1', url: SOURCE.replace('vmssecret', 'vmsother') },
  ]);
  const others = new Cameras(database.source, [deriveKeys('another-secret-of-32-characters-or-more')]);
  expect((await others.sources()).wanted).toEqual([{ id: 'c1', url: undefined }]);
});

it('is seen by who may watch, without where it comes from, and by nobody else', async () => {
  await add(admin);
  expect((await viewer.get('/v1/cameras/c1')).body).toMatchObject({ id: 'c1', source: null });
  expect((await viewer.get('/v1/cameras')).body.items).toHaveLength(1);
  expect((await stranger.get('/v1/cameras/c1')).status).toBe(404);
  expect((await stranger.get('/v1/cameras')).body.items).toEqual([]);
});

it('is changed and removed by no one without the right', async () => {
  await add(admin);
  expect((await add(viewer, { id: 'c2' })).status).toBe(403);
  expect((await viewer.call('PATCH', '/v1/cameras/c1', { name: 'x' })).status).toBe(403);
  expect((await viewer.delete('/v1/cameras/c1')).status).toBe(403);
  expect((await stranger.call('PATCH', '/v1/cameras/c1', { name: 'x' })).status).toBe(404);
  expect((await stranger.delete('/v1/cameras/c1')).status).toBe(404);
  expect((await admin.get('/v1/cameras/c1')).status).toBe(200);
});

it('gives a ticket with every URL to who may watch', async () => {
  await add(admin);
  const { status, body } = await viewer.post('/v1/cameras/c1/tickets', {});
  expect(status).toBe(201);
  expect(body.urls.rtsp).toContain('rtsp://media.test:8554/cameras/c1?token=');
  expect((await stranger.post('/v1/cameras/c1/tickets', {})).status).toBe(404);
});

it('may come back under its id after it was removed, and takes the rights of then with it', async () => {
  await add(operator);
  expect((await add(operator)).status).toBe(409);
  await operator.delete('/v1/cameras/c1');
  const rights = await database.source.query<unknown[]>(`SELECT 1 FROM grants WHERE pattern = 'cameras/c1'`);
  expect(rights).toEqual([]);
  expect((await add(stranger)).status).toBe(201);
  await until(async () => (await operator.get('/v1/cameras/c1')).status === 404);
});

it.each([
  ['source', { source: undefined }],
  ['source', { source: 'rtsp://user@93.184.216.34/x' }],
  ['source', { source: 'file:///etc/passwd' }],
  ['source', { source: 'rtsp://127.0.0.1/x' }],
  ['source', { source: 'rtsp://[::1]/x' }],
  ['source', { source: 'rtsp://10.1.2.3/x' }],
  ['source', { source: 'rtsp://localhost/x' }],
  ['source', { source: 'rtsp://2130706433/x' }],
  ['source', { source: 'rtsp://169.254.169.254/latest' }],
  ['source', { source: 'http://93.184.216.34/admin' }],
  ['source', { source: 'rtsp://nobody.invalid/x' }],
  ['source', { source: 7 }],
  ['source', { source: `rtsp://93.184.216.34/${'x'.repeat(1_010)}` }],
  ['id', { id: '../c' }],
  ['id', { id: 'a/b' }],
  ['id', { id: '' }],
  ['group', { group: {} }],
  ['name', { name: '' }],
  ['surprise', { surprise: 1 }],
])('refuses a bad %s by its name: %j', async (field, change) => {
  const { status, body } = await add(admin, change);
  expect(status).toBe(400);
  expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  expect(JSON.stringify(body)).not.toContain('passwd');
  expect((await admin.get('/v1/cameras')).body.items).toEqual([]);
});

it('does not change a source to a private one', async () => {
  await add(admin);
  const { status } = await admin.call('PATCH', '/v1/cameras/c1', { source: 'rtsp://192.168.0.1/x' });
  expect(status).toBe(400);
  expect((await admin.get('/v1/cameras/c1')).body.source).toBe(SHOWN);
});

it('lists page by page', async () => {
  for (const id of ['a', 'b', 'c']) await add(admin, { id });
  const first = (await admin.get('/v1/cameras?limit=2')).body;
  expect(first.items.map(({ id }: { id: string }) => id)).toEqual(['a', 'b']);
  const second = (await admin.get(`/v1/cameras?limit=2&cursor=${first.nextCursor}`)).body;
  expect(second).toMatchObject({ items: [{ id: 'c' }], nextCursor: null });
});
