import { deriveKeys, PasswordPool, Tokens } from '@rovercast/access';
import { Robots, Users } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Aedes } from 'aedes';
import { createServer, type Server } from 'node:net';
import { RestClient } from '../../../test/e2e/support/client';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { FakeRobot } from '../../../test/support/fake-robot';
import { until } from '../../../test/support/until';
import { createGatewayApp } from './gateway.app';
import { GatewaySettings } from './gateway.settings';
import { WishKeeper } from './streams/wish-keeper';

const SECRET = 'a-secret-of-at-least-32-characters-for-tests';
const PASSWORD = 'correct horse battery';

jest.setTimeout(40_000);

/** An embedded broker without rights: those are tested with the auth app. */
class OpenBroker {
  private constructor(
    readonly url: string,
    private readonly broker: Aedes,
    private readonly server: Server,
  ) {}

  static async start(port = 0): Promise<OpenBroker> {
    const broker = await Aedes.createBroker();
    const server = createServer({ noDelay: true }, broker.handle);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const { port: taken } = server.address() as { port: number };
    return new OpenBroker(`mqtt://127.0.0.1:${taken}`, broker, server);
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.broker.close(() => resolve()));
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

let database: TestDatabase;
let broker: OpenBroker;
let app: NestFastifyApplication;
let url: string;
let admin: RestClient;
let viewer: RestClient;
let stranger: RestClient;
let robot: FakeRobot;

beforeAll(async () => {
  database = await aDatabase();
  const passwords = new PasswordPool();
  const users = new Users(database.source, passwords);
  await users.create({ username: 'admin', password: PASSWORD, role: 'admin' }, 'test');
  await users.create({ username: 'viewer', password: PASSWORD, role: 'viewer' }, 'test');
  await users.create({ username: 'stranger', password: PASSWORD, role: 'viewer' }, 'test');
  await users.grant('viewer', { action: 'read', pattern: 'robots/r1/**' }, 'test');
  await passwords.close();
  const robots = new Robots(database.source, deriveKeys(SECRET));
  await robots.create({ id: 'r1', cameras: ['main', 'rear'] }, 'test');
  await robots.create({ id: 'old', kind: 'legacy', legacyTopic: 'robot/stream' }, 'test');
  broker = await OpenBroker.start();
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
  url = await app.getUrl();
  admin = await RestClient.login(url, { username: 'admin', password: PASSWORD });
  viewer = await RestClient.login(url, { username: 'viewer', password: PASSWORD });
  stranger = await RestClient.login(url, { username: 'stranger', password: PASSWORD });
  robot = await FakeRobot.connect(broker.url, 'r1');
  await until(async () => (await admin.get('/v1/robots/r1')).body.online, { timeoutMs: 5_000 });
});

afterAll(async () => {
  await robot?.close();
  await app?.close();
  await broker?.stop();
  await database?.drop();
});

/** The camera is idle, and the robot obedient. */
beforeEach(async () => {
  robot.answer = () => ({ code: 'accepted' });
  for (const camera of ['main', 'rear']) await admin.delete(`/v1/robots/r1/stream?camera=${camera}`);
  await database.source.query(
    `UPDATE streams SET state = 'stopped', ended_at = now() WHERE ended_at IS NULL`,
  );
  robot.heard.length = 0;
});

describe('sessions', () => {
  it('are opened with a password, prolonged once per refresh token, and closed', async () => {
    const anyone = new RestClient(url);
    const login = await anyone.post('/v1/auth/login', { username: 'viewer', password: PASSWORD });
    expect(login.status).toBe(200);
    const next = await anyone.post('/v1/auth/refresh', { refreshToken: login.body.refreshToken });
    expect(next.status).toBe(200);
    expect(next.body.refreshToken).not.toBe(login.body.refreshToken);
    expect((await anyone.post('/v1/auth/logout', { refreshToken: next.body.refreshToken })).status).toBe(204);
    expect((await anyone.post('/v1/auth/refresh', { refreshToken: next.body.refreshToken })).status).toBe(
      401,
    );
  });

  it('end as a whole when an old refresh token comes back', async () => {
    const anyone = new RestClient(url);
    const { body: first } = await anyone.post('/v1/auth/login', { username: 'viewer', password: PASSWORD });
    const { body: second } = await anyone.post('/v1/auth/refresh', { refreshToken: first.refreshToken });
    expect((await anyone.post('/v1/auth/refresh', { refreshToken: first.refreshToken })).status).toBe(401);
    expect((await anyone.post('/v1/auth/refresh', { refreshToken: second.refreshToken })).status).toBe(401);
  });

  it.each([
    ['a wrong password', { username: 'viewer', password: 'wrong-password' }],
    ['an unknown user', { username: 'nobody', password: PASSWORD }],
    ['a name with a NUL', { username: 'view\0er', password: PASSWORD }],
  ])('are not opened for %s, in the same words', async (_, login) => {
    const { status, body } = await new RestClient(url).post('/v1/auth/login', login);
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'UNAUTHENTICATED', title: 'wrong user name or password' });
  });

  it('are needed, and a token for something else is none', async () => {
    expect((await new RestClient(url).get('/v1/me')).status).toBe(401);
    const ticket = new Tokens([deriveKeys(SECRET)]).signTicket({
      subject: 'admin',
      action: 'read',
      path: 'robots/r1',
      expiresAt: Date.now() + 60_000,
    });
    const answer = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${ticket}` } });
    expect(answer.status).toBe(401);
  });

  it('say who one is', async () => {
    expect((await viewer.get('/v1/me')).body).toMatchObject({
      username: 'viewer',
      role: 'viewer',
      grants: [{ action: 'read', pattern: 'robots/r1/**', expiresAt: null }],
    });
  });

  it('end within a second or so when the account is disabled', async () => {
    const passwords = new PasswordPool(1);
    const users = new Users(database.source, passwords);
    await users.create({ username: 'leaver', password: PASSWORD, role: 'viewer' }, 'test');
    const leaver = await RestClient.login(url, { username: 'leaver', password: PASSWORD });
    expect((await leaver.get('/v1/me')).status).toBe(200);
    await users.disable('leaver', 'test');
    await passwords.close();
    await until(async () => (await leaver.get('/v1/me')).status === 401, { timeoutMs: 3_000 });
  });
});

describe('bad input', () => {
  it.each([
    ['malformed JSON', '{"username":', 'application/json', 400],
    ['a body of another kind', '<xml/>', 'text/xml', 415],
    ['a huge body', JSON.stringify({ username: 'x'.repeat(200_000) }), 'application/json', 413],
    ['an array', '[]', 'application/json', 400],
    ['null', 'null', 'application/json', 400],
    ['a prototype', '{"__proto__":{"role":"admin"},"username":"a","password":"b"}', 'application/json', 400],
  ])('%s is refused with a problem document', async (_, body, contentType, status) => {
    const answer = await fetch(`${url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each([
    ['id', { id: 'a/b' }],
    ['id', { id: '../x' }],
    ['id', {}],
    ['cameras', { id: 'x1', cameras: [] }],
    ['cameras', { id: 'x1', cameras: ['a', 'a'] }],
    ['cameras', { id: 'x1', cameras: ['a b'] }],
    ['kind', { id: 'x1', kind: 'toaster' }],
    ['legacyTopic', { id: 'x1', kind: 'legacy' }],
    ['legacyTopic', { id: 'x1', kind: 'legacy', legacyTopic: 'robot/#' }],
    ['legacyTopic', { id: 'x1', kind: 'legacy', legacyTopic: 'rc/v1/robots/r1/cmd/stream' }],
    ['role', { id: 'x1', role: 'admin' }],
  ])('%s is named when a robot is registered with %j', async (field, request) => {
    const { status, body } = await admin.post('/v1/robots', request);
    expect(status).toBe(400);
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  });

  it.each([
    '/v1/robots?limit=0',
    '/v1/robots?limit=1e9',
    '/v1/robots?limit=x',
    '/v1/streams/not-a-uuid',
    '/v1/streams?cursor=x',
  ])('%s is a 400', async (path) => {
    expect((await admin.get(path)).status).toBe(400);
  });

  it.each([
    '/v1/robots/%00',
    '/v1/robots/a%2Fb',
    '/v1/robots/..%2f',
    `/v1/robots/${'x'.repeat(300)}`,
    '/nowhere',
    '/v1/robots/💥',
  ])('%s is nothing', async (path) => {
    const { status, headers } = await admin.get(path);
    expect([400, 404]).toContain(status);
    expect(headers.get('content-type')).toContain('application/problem+json');
  });
});

it('a body that is named JSON and empty is none', async () => {
  const headers = { ...admin.headers(), 'content-type': 'application/json' };
  const stop = await fetch(`${url}/v1/robots/r1/stream`, { method: 'DELETE', headers });
  expect(stop.status).toBe(200);
});

describe('robots', () => {
  it('are registered once, with a key that is shown once', async () => {
    const { status, body } = await admin.post('/v1/robots', { id: 'fresh', name: 'Fresh' });
    expect(status).toBe(201);
    expect(body.key).toMatch(/^rk_[\w-]{43}$/);
    expect(body.dotenv).toBe(`ROBOT_ID=fresh\nROBOT_KEY=${body.key}\nMQTT_URL=${broker.url}\n`);
    expect((await admin.post('/v1/robots', { id: 'fresh' })).status).toBe(409);
    expect(JSON.stringify((await admin.get('/v1/robots/fresh')).body)).not.toContain(body.key);
    expect(
      (await admin.call('PATCH', '/v1/robots/fresh', { name: 'Renamed', disabled: true })).body,
    ).toMatchObject({
      name: 'Renamed',
      disabled: true,
    });
    expect((await admin.delete('/v1/robots/fresh')).status).toBe(204);
    expect((await admin.get('/v1/robots/fresh')).status).toBe(404);
  });

  it('are listed in pages, as far as one may know of them', async () => {
    const first = await admin.get('/v1/robots?limit=1');
    expect(first.body.items).toHaveLength(1);
    const second = await admin.get(`/v1/robots?limit=1&cursor=${first.body.nextCursor}`);
    expect(second.body.items[0].id).not.toBe(first.body.items[0].id);
    expect((await viewer.get('/v1/robots')).body.items.map((one: { id: string }) => one.id)).toEqual(['r1']);
    expect((await stranger.get('/v1/robots')).body).toEqual({ items: [], nextCursor: null });
  });

  it('are no business of a stranger, and not for a viewer to change or drive', async () => {
    expect((await stranger.get('/v1/robots/r1')).status).toBe(404);
    expect((await stranger.post('/v1/robots/r1/stream', {})).status).toBe(404);
    expect((await stranger.delete('/v1/robots/r1')).status).toBe(404);
    expect((await viewer.get('/v1/robots/r1')).status).toBe(200);
    expect((await viewer.post('/v1/robots/r1/stream', {})).status).toBe(403);
    expect((await viewer.call('PATCH', '/v1/robots/r1', { name: 'x' })).status).toBe(403);
    expect((await viewer.post('/v1/robots', { id: 'mine' })).status).toBe(403);
  });
});

describe('a start', () => {
  const newest = async (): Promise<any> => (await admin.get('/v1/robots/r1/stream')).body;

  it('goes out as an order with a publish ticket, and retained without one', async () => {
    const { status, body } = await admin.post('/v1/robots/r1/stream', {
      profile: { width: 320, height: 240, fps: 10, bitrateKbps: 300 },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ state: 'starting', path: 'robots/r1', camera: 'main' });
    const [order] = robot.orders();
    expect(order).toMatchObject({
      v: 1,
      state: 'on',
      sessionId: body.id,
      camera: 'main',
      leaseTtlMs: 30_000,
      profile: { width: 320, height: 240, fps: 10, bitrateKbps: 300 },
      ingest: { url: 'rtsp://media.test:8554/robots/r1', protocol: 'rtsp' },
    });
    const read = new Tokens([deriveKeys(SECRET)]).readTicket(order.ingest!.token, Date.now());
    expect(read).toMatchObject({ ok: true, value: { action: 'publish', subject: 'r1' } });
    const copy = await until(() => robot.desired().at(-1), { timeoutMs: 2_000 });
    expect(copy).toMatchObject({ version: order.version, requestId: order.requestId, state: 'on' });
    expect(copy.ingest).toBeUndefined();
    expect(robot.orders()).toHaveLength(1);
  });

  it('is the same start when it is repeated, and prolongs the lease', async () => {
    const first = await admin.post('/v1/robots/r1/stream', { leaseSeconds: 60 });
    const again = await admin.post('/v1/robots/r1/stream', { leaseSeconds: 600 });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.id).toBe(first.body.id);
    expect(Date.parse(again.body.leaseUntil)).toBeGreaterThan(Date.parse(first.body.leaseUntil) + 500_000);
    expect(robot.orders()).toHaveLength(1);
  });

  it('starts one stream when fifty people tap at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => admin.post('/v1/robots/r1/stream', {})),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(robot.orders()).toHaveLength(1);
  });

  it('keeps cameras apart', async () => {
    await admin.post('/v1/robots/r1/stream', {});
    const rear = await admin.post('/v1/robots/r1/stream', { camera: 'rear' });
    expect(rear.body).toMatchObject({ path: 'robots/r1/rear' });
    expect((await admin.post('/v1/robots/r1/stream', { camera: 'front' })).status).toBe(404);
  });

  it('is answered after the deadline when the picture does not come', async () => {
    const { status, body } = await admin.post('/v1/robots/r1/stream?wait=live', {});
    expect(status).toBe(504);
    expect(body).toMatchObject({ code: 'STREAM_TIMEOUT', state: 'starting' });
  });

  it('is live as soon as somebody says so in the database', async () => {
    const live = admin.post('/v1/robots/r1/stream?wait=live', {});
    await until(() => robot.orders().length > 0, { timeoutMs: 3_000 });
    await database.source.query(`UPDATE streams SET state = 'live', live_at = now() WHERE ended_at IS NULL`);
    expect(await live).toMatchObject({ status: 201, body: { state: 'live' } });
  });

  it.each([
    ['rejected', { code: 'rejected', reason: 'no such camera' }, 422, 'ROBOT_REJECTED'],
    ['busy', { code: 'busy', retryAfterMs: 3_000 }, 429, 'ROBOT_BUSY'],
    ['stale', { code: 'stale' }, 422, 'ROBOT_REJECTED'],
  ] as const)(
    'that the robot answers with %s fails, and is taken back with a higher version',
    async (_, answer, status, code) => {
      robot.answer = (wish) => (wish.state === 'on' ? answer : { code: 'accepted' });
      const refused = await admin.post('/v1/robots/r1/stream', {});
      expect(refused).toMatchObject({ status, body: { code } });
      const [on, off] = robot.orders();
      expect(off).toMatchObject({ state: 'off', version: on.version + 1 });
      expect(await newest()).toMatchObject({
        state: 'failed',
        cause: expect.stringMatching(/^rejected_/) as string,
      });
    },
  );

  it('that the robot does not answer fails after five seconds, and is taken back', async () => {
    robot.answer = (wish) => (wish.state === 'on' ? 'silence' : { code: 'accepted' });
    const { status, body } = await admin.post('/v1/robots/r1/stream', {});
    expect(status).toBe(504);
    expect(body.code).toBe('ROBOT_TIMEOUT');
    expect(robot.orders().map(({ state }) => state)).toEqual(['on', 'off']);
    expect(await newest()).toMatchObject({ state: 'failed', cause: 'ack_timeout' });
  });

  it('fails at once for a robot that is not there', async () => {
    await admin.post('/v1/robots', { id: 'absent' });
    const { status, body, headers } = await admin.post('/v1/robots/absent/stream', {});
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'ROBOT_OFFLINE', cause: 'robot_offline' });
    expect(headers.get('retry-after')).toBe('5');
  });

  it('happens once for one Idempotency-Key, and the key is for one request only', async () => {
    const call = (body: object) =>
      fetch(`${url}/v1/robots`, {
        method: 'POST',
        headers: { ...admin.headers(), 'content-type': 'application/json', 'idempotency-key': 'tap-1' },
        body: JSON.stringify(body),
      });
    const first = await call({ id: 'once' });
    const again = await call({ id: 'once' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await again.json()).toEqual(await first.json());
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await call({ id: 'twice' })).status).toBe(409);
    const rows = await database.source.query<{ body: Buffer }[]>('SELECT body FROM idempotency_keys');
    expect(rows[0].body.toString('latin1')).not.toContain('rk_');
  });
});

describe('a running stream', () => {
  const started = async (): Promise<any> => (await admin.post('/v1/robots/r1/stream', {})).body;
  const state = async (id: string): Promise<any> => (await admin.get(`/v1/streams/${id}`)).body;

  it('is stopped by an order, and has stopped when the robot says so', async () => {
    const { id } = await started();
    const stop = await admin.delete('/v1/robots/r1/stream');
    expect(stop).toMatchObject({ status: 200, body: { id, state: 'stopping', cause: 'user' } });
    expect(robot.orders().at(-1)).toMatchObject({ state: 'off', cause: 'user' });
    await robot.report('main', { state: 'idle', version: 99 });
    await until(async () => (await state(id)).state === 'stopped', { timeoutMs: 3_000 });
    expect((await admin.delete('/v1/robots/r1/stream')).status).toBe(200);
  });

  it('is stopped at the robot when somebody else closes it in the database', async () => {
    const { id } = await started();
    await database.source.query(`SELECT close_stream($1, 'last_viewer_left', NULL, false, 'elsewhere')`, [
      id,
    ]);
    await until(() => robot.orders().at(-1)?.state === 'off', { timeoutMs: 3_000 });
    expect(robot.orders().at(-1)).toMatchObject({ cause: 'last_viewer_left', requestId: 'elsewhere' });
  });

  it('fails when the robot says that it failed', async () => {
    const { id } = await started();
    await robot.report('main', {
      state: 'failed',
      sessionId: id,
      version: 1,
      cause: 'camera_error',
      detail: 'unplugged',
    });
    const failed = await until(
      async () => {
        const now = await state(id);
        return now.state === 'failed' && now;
      },
      { timeoutMs: 3_000 },
    );
    expect(failed).toMatchObject({ cause: 'camera_error', detail: 'unplugged' });
    await until(() => robot.orders().at(-1)?.state === 'off', { timeoutMs: 3_000 });
  });

  it('is not touched by an older session failing', async () => {
    const { id } = await started();
    await robot.report('main', {
      state: 'failed',
      sessionId: '00000000-0000-4000-8000-000000000000',
      version: 1,
    });
    await robot.askSync('main', 0);
    await until(() => robot.orders().length === 2, { timeoutMs: 3_000 });
    expect((await state(id)).state).toBe('starting');
  });

  it('is ordered again with a fresh ticket when the robot asks', async () => {
    await started();
    await robot.askSync('main', 0);
    await until(() => robot.orders().length === 2, { timeoutMs: 3_000 });
    const [first, second] = robot.orders();
    expect(second).toMatchObject({ version: first.version, sessionId: first.sessionId, state: 'on' });
    expect(second.requestId).not.toBe(first.requestId);
    expect(second.ingest?.token).not.toBe(first.ingest?.token);
  });

  it('is kept alive by heartbeats while it runs, and only then', async () => {
    expect((await admin.post('/v1/robots/r1/stream/heartbeat', {})).status).toBe(409);
    const { leaseUntil } = await started();
    const { status, body } = await admin.post('/v1/robots/r1/stream/heartbeat', { leaseSeconds: 300 });
    expect(status).toBe(200);
    expect(Date.parse(body.leaseUntil)).toBeGreaterThan(Date.parse(leaseUntil));
  });

  it('is renewed in the retained copy alone, and not after a gap longer than its lease', async () => {
    const { id } = await started();
    const keeper = app.get(WishKeeper);
    await until(() => robot.desired().length === 1, { timeoutMs: 3_000 });
    await keeper.renewAll();
    await until(() => robot.desired().length === 2, { timeoutMs: 3_000 });
    expect(robot.desired().at(-1)).toMatchObject({ renew: true, sessionId: id, state: 'on' });
    expect(robot.orders()).toHaveLength(1);
    await database.source.query(
      `UPDATE streams SET renewed_at = now() - interval '31 seconds' WHERE id = $1`,
      [id],
    );
    await keeper.renewAll();
    await robot.askSync('main', 0);
    await until(() => robot.orders().length === 2, { timeoutMs: 3_000 });
    expect(robot.desired().filter(({ renew }) => renew)).toHaveLength(1);
  });

  it('can be watched with a ticket by who may read, and is nothing to a stranger', async () => {
    const { id } = await started();
    const { status, body } = await viewer.post(`/v1/streams/${id}/tickets`, { expiresInSeconds: 60 });
    expect(status).toBe(201);
    expect(body.urls.rtsp).toBe(`rtsp://media.test:8554/robots/r1?token=${body.ticket}`);
    expect(new Tokens([deriveKeys(SECRET)]).readTicket(body.ticket, Date.now())).toMatchObject({
      ok: true,
      value: { action: 'read', subject: 'viewer' },
    });
    expect((await stranger.get(`/v1/streams/${id}`)).status).toBe(404);
    expect((await stranger.post(`/v1/streams/${id}/tickets`, {})).status).toBe(404);
    expect((await viewer.get('/v1/streams')).body.items).toHaveLength(1);
    expect((await stranger.get('/v1/streams')).body.items).toHaveLength(0);
  });
});

describe('the wire', () => {
  it('takes garbage on every topic and goes on', async () => {
    const garbage = [
      '',
      'null',
      '[]',
      '{"v":1',
      '{"v":2}',
      '\u0000\u0001',
      'x'.repeat(10_000),
      '{"__proto__":{}}',
      '{"v":1,"online":"yes"}',
    ];
    for (const payload of garbage) {
      for (const name of ['reported/stream/main', 'presence', 'info', 'evt/sync-request', 'evt/unknown']) {
        await robot.publish(`rc/v1/robots/garbage/${name}`, payload);
      }
      await robot.publish('rc/v1/gw/gw-x/reply/r1', payload);
    }
    expect((await admin.post('/v1/robots/r1/stream', {})).status).toBe(201);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('says bare start and stop to a robot of the older kind, and nothing else', async () => {
    const old = await FakeRobot.connect(broker.url, 'listener');
    await old.client.subscribeAsync('robot/stream', { qos: 1 });
    const { status, body } = await admin.post('/v1/robots/old/stream', {});
    expect(status).toBe(201);
    expect(body.state).toBe('starting');
    await admin.delete('/v1/robots/old/stream');
    await until(() => old.heard.length === 2, { timeoutMs: 3_000 });
    expect(old.heard).toEqual([
      { topic: 'robot/stream', payload: 'start', retain: false },
      { topic: 'robot/stream', payload: 'stop', retain: false },
    ]);
    await old.close();
  });

  it('does not believe a robot that speaks for another', async () => {
    robot.answer = (wish) => (wish.state === 'on' ? 'silence' : { code: 'accepted' });
    const start = admin.post('/v1/robots/r1/stream', {});
    const order = await until(() => robot.orders().at(0), { timeoutMs: 3_000 });
    const forged = order.replyTo!.replace('/reply/r1', '/reply/r2');
    await robot.publish(
      forged,
      JSON.stringify({ requestId: order.requestId, code: 'accepted', bootId: 'x' }),
    );
    expect((await start).status).toBe(504);
  });
});

describe('without its broker', () => {
  it('refuses at once, keeps answering, and orders nothing late', async () => {
    const { port } = new URL(broker.url);
    await robot.close();
    await broker.stop();
    await until(async () => (await fetch(`${url}/health/ready`)).status === 503, { timeoutMs: 5_000 });
    expect(await admin.post('/v1/robots/r1/stream', {})).toMatchObject({
      status: 503,
      body: { code: 'BROKER_UNREACHABLE' },
    });
    expect(await admin.post('/stream/start')).toMatchObject({ status: 502 });
    expect((await admin.get('/v1/robots/r1/stream')).status).toBe(200);
    broker = await OpenBroker.start(Number(port));
    robot = await FakeRobot.connect(broker.url, 'r1');
    await until(async () => (await fetch(`${url}/health/ready`)).status === 200, { timeoutMs: 10_000 });
    await until(async () => (await admin.post('/v1/robots/r1/stream', {})).status === 201, {
      timeoutMs: 5_000,
    });
    expect(robot.orders().filter(({ state }) => state === 'on')).toHaveLength(1);
  });
});

describe('the contract', () => {
  it('describes every route, with what it answers and how it fails', async () => {
    const { status, body } = await new RestClient(url).get('/docs-json');
    expect(status).toBe(200);
    const routes = Object.entries(
      body.paths as Record<string, Record<string, { summary?: string; responses: object }>>,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ route: `${method} ${path}`, operation })),
    );
    expect(routes.map(({ route }) => route)).toEqual(
      expect.arrayContaining(['post /v1/auth/login', 'post /v1/robots/{id}/stream', 'post /stream/start']),
    );
    for (const { route, operation } of routes) {
      expect([
        route,
        Object.keys(operation.responses).some((code) => code.startsWith('4') || code === 'default'),
      ]).toEqual([route, true]);
    }
  });
});
