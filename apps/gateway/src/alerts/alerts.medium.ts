import { ALERT_KINDS, type AlertEvent } from '@rovercast/contracts';
import { PostgresListener } from '@rovercast/database';
import { FakeRobot } from '../../../../test/support/fake-robot';
import { aGateway, type TestGateway } from '../../../../test/support/test-gateway';
import { until } from '../../../../test/support/until';
import { AlertsService } from './alerts.service';

jest.setTimeout(40_000);

let world: TestGateway;
let robot: FakeRobot;
let listener: PostgresListener;
const announced: string[] = [];

beforeAll(async () => {
  world = await aGateway();
  robot = await FakeRobot.connect(world.brokerUrl, 'r1');
  listener = new PostgresListener({
    url: world.database.url,
    applicationName: 'test',
    channels: ['alert_raised'],
    onNotify: (_, payload) => announced.push(payload),
  });
  listener.start();
  await until(() => listener.connected);
  await until(async () => (await world.admin.get('/v1/robots/r1')).body.online);
});

afterAll(async () => {
  await listener?.close();
  await robot?.close();
  await world?.close();
});

/** One robot raises more than thirty in this suite. */
const forgetCounts = (): void => {
  const service: object = world.app.get(AlertsService);
  (service as { counts: Map<string, unknown> }).counts.clear();
};

beforeEach(async () => {
  forgetCounts();
  robot.answer = () => ({ code: 'accepted' });
  await world.admin.delete('/v1/robots/r1/stream');
  await world.database.source.query(
    `UPDATE streams SET state = 'stopped', ended_at = now() WHERE ended_at IS NULL`,
  );
  await world.database.source.query('DELETE FROM alert_policies');
  await world.database.source.query('DELETE FROM alerts');
  robot.heard.length = 0;
  announced.length = 0;
});

const POLICIES = '/v1/robots/r1/alert-policies';

let last = 0;
const raise = async (change: Partial<AlertEvent> = {}): Promise<string> => {
  last += 1;
  const event = {
    v: 1,
    alertId: `a${last}`,
    kind: 'motion',
    confidence: 0.9,
    camera: 'main',
    at: Date.now(),
    ...change,
  };
  await robot.publish('rc/v1/robots/r1/evt/alert', JSON.stringify(event));
  return event.alertId;
};

const alerts = async (): Promise<any[]> => (await world.viewer.get('/v1/alerts')).body.items;

const settled = (alertId: string): Promise<any> =>
  until(async () => (await alerts()).find((one) => one.alertId === alertId && one.outcome !== 'starting'), {
    timeoutMs: 8_000,
  });

describe('an alert', () => {
  it('is recorded, and nothing else, without a policy', async () => {
    const alert = await settled(await raise({ confidence: 0.42 }));
    expect(alert).toMatchObject({
      robotId: 'r1',
      camera: 'main',
      kind: 'motion',
      confidence: 0.42,
      outcome: 'recorded',
      streamId: null,
    });
    expect(robot.orders()).toEqual([]);
  });

  it('starts the camera when the policy says so, with its lease, and is announced twice', async () => {
    await world.operator.post(POLICIES, {
      kind: 'motion',
      action: 'go-live',
      minConfidence: 0.8,
      leaseSeconds: 120,
    });
    const alert = await settled(await raise());
    expect(alert).toMatchObject({ outcome: 'live', detail: null });
    const stream = (await world.viewer.get(`/v1/streams/${alert.streamId}`)).body;
    expect(stream.state).toBe('starting');
    expect(Date.parse(stream.leaseUntil) - Date.now()).toBeGreaterThan(110_000);
    expect(robot.orders()).toEqual([expect.objectContaining({ state: 'on', sessionId: alert.streamId })]);
    await until(() => announced.length === 2);
    expect(announced).toEqual([`${alert.id} r1 main starting`, `${alert.id} r1 main live`]);
    const rows = await world.database.source.query(
      `SELECT username FROM streams s JOIN users u ON u.id = s.requested_by WHERE s.id = $1`,
      [alert.streamId],
    );
    expect(rows).toEqual([{ username: 'operator' }]);
  });

  it('that comes again and again is one alert and one start', async () => {
    await world.operator.post(POLICIES, { kind: 'motion', action: 'go-live' });
    await Promise.all(Array.from({ length: 10 }, () => raise({ alertId: 'same' })));
    await settled('same');
    await settled(await raise({ kind: 'sound' }));
    expect((await alerts()).filter(({ alertId }) => alertId === 'same')).toHaveLength(1);
    expect(robot.orders()).toHaveLength(1);
  });

  it('prolongs a stream that runs', async () => {
    const { body } = await world.operator.post('/v1/robots/r1/stream', { leaseSeconds: 5 });
    await world.operator.post(POLICIES, { kind: 'motion', action: 'go-live', leaseSeconds: 600 });
    const alert = await settled(await raise());
    expect(alert.streamId).toBe(body.id);
    const stream = (await world.viewer.get(`/v1/streams/${body.id}`)).body;
    expect(Date.parse(stream.leaseUntil) - Date.now()).toBeGreaterThan(500_000);
    expect(robot.orders()).toHaveLength(1);
  });

  it.each([
    ['less sure than the policy wants', {}, { confidence: 0.79 }],
    ['of another kind', {}, { kind: 'fall' as const }],
    ['of a policy that is off', { enabled: false }, {}],
    ['of a policy that records', { action: 'record-event' }, {}],
  ])('%s starts nothing', async (_, policy, change) => {
    await world.operator.post(POLICIES, { kind: 'motion', action: 'go-live', minConfidence: 0.8, ...policy });
    expect((await settled(await raise(change))).outcome).toBe('recorded');
    expect(robot.orders()).toEqual([]);
  });

  it('starts nothing any more when who wrote the policy lost the right to', async () => {
    await world.operator.post(POLICIES, { kind: 'motion', action: 'go-live' });
    const grants = `UPDATE grants SET action = $1 WHERE action = $2 AND user_id = (SELECT id FROM users WHERE username = 'operator')`;
    await world.database.source.query(grants, ['publish', 'control']);
    try {
      await until(async () => (await world.operator.post('/v1/robots/r1/stream', {})).status === 403);
      await world.database.source.query(`SELECT 1`);
      const alert = await settled(await raise());
      expect(alert).toMatchObject({ outcome: 'not-started', streamId: null });
      expect(alert.detail).toContain('you may not control');
    } finally {
      await world.database.source.query(grants, ['control', 'publish']);
    }
    await until(async () => (await world.operator.post('/v1/robots/r1/stream', {})).status < 300);
  });

  it('says why it did not go live', async () => {
    await world.operator.post(POLICIES, { kind: 'motion', action: 'go-live' });
    robot.answer = (wish) => (wish.state === 'on' ? { code: 'busy' } : { code: 'accepted' });
    expect(await settled(await raise())).toMatchObject({
      outcome: 'not-started',
      detail: 'robot r1 is busy',
    });
  });

  it.each([
    { confidence: 1.5 },
    { confidence: 'very' },
    { camera: 'front' },
    { camera: '../x' },
    { kind: 'party' },
    { alertId: 'x'.repeat(65) },
    { at: 'now' },
    { at: 1e300 },
    { v: 2 },
  ])('with %j is dropped, and the next one is heard', async (change) => {
    const id = await raise(change as Partial<AlertEvent>);
    await settled(await raise());
    expect((await alerts()).map(({ alertId }) => alertId)).not.toContain(id);
  });

  it('is heard thirty times a minute, no more', async () => {
    await world.database.source.query(
      `INSERT INTO robots (id, name, kind) VALUES ('loud', 'loud', 'agent') ON CONFLICT DO NOTHING`,
    );
    const event = { v: 1, kind: 'sound', confidence: 1, camera: 'main', at: 0 };
    for (let each = 0; each < 60; each += 1)
      await robot.publish('rc/v1/robots/loud/evt/alert', JSON.stringify({ ...event, alertId: `l${each}` }));
    await settled(await raise());
    expect((await world.admin.get('/v1/robots/loud/alerts?limit=100')).body.items).toHaveLength(30);
  });

  it('is listed in pages, newest first, to who may watch its camera', async () => {
    const ids: string[] = [];
    for (let each = 0; each < 5; each += 1) {
      ids.push(await raise());
      await settled(ids[each]);
    }
    const first = (await world.viewer.get('/v1/robots/r1/alerts?limit=3')).body;
    const second = (await world.viewer.get(`/v1/robots/r1/alerts?limit=3&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...second.items].map(({ alertId }) => alertId)).toEqual(ids.reverse());
    expect(second.nextCursor).toBeNull();
    expect((await world.stranger.get('/v1/alerts')).body.items).toEqual([]);
    expect((await world.stranger.get('/v1/robots/r1/alerts')).status).toBe(404);
    expect((await world.viewer.get('/v1/alerts?cursor=x')).status).toBe(400);
  });
});

describe('a policy', () => {
  it('is written, changed, listed and deleted', async () => {
    const { status, body } = await world.operator.post(POLICIES, { kind: 'fall' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      robotId: 'r1',
      kind: 'fall',
      minConfidence: 0.5,
      action: 'record-event',
      leaseSeconds: 60,
      enabled: true,
      actsFor: 'operator',
    });
    const changed = await world.admin.call('PATCH', `${POLICIES}/${body.id}`, { action: 'go-live' });
    expect(changed.body).toEqual({ ...body, action: 'go-live', actsFor: 'admin' });
    expect((await world.viewer.get(POLICIES)).body.items).toEqual([changed.body]);
    expect((await world.operator.post(POLICIES, { kind: 'fall' })).status).toBe(409);
    expect((await world.operator.delete(`${POLICIES}/${body.id}`)).status).toBe(204);
    expect((await world.operator.delete(`${POLICIES}/${body.id}`)).status).toBe(404);
    expect((await world.operator.call('PATCH', `${POLICIES}/${body.id}`, {})).status).toBe(404);
  });

  it.each([
    ['kind', {}],
    ['kind', { kind: 'party' }],
    ['minConfidence', { kind: 'motion', minConfidence: 2 }],
    ['action', { kind: 'motion', action: 'explode' }],
    ['leaseSeconds', { kind: 'motion', leaseSeconds: 4 }],
    ['enabled', { kind: 'motion', enabled: 'yes' }],
    ['robotId', { kind: 'motion', robotId: 'r2' }],
  ])('with a bad %s names it', async (field, request) => {
    const { status, body } = await world.operator.post(POLICIES, request);
    expect(status).toBe(400);
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  });

  it('is for who may drive the robot, and of one robot', async () => {
    expect((await world.viewer.post(POLICIES, { kind: 'motion' })).status).toBe(403);
    expect((await world.stranger.post(POLICIES, { kind: 'motion' })).status).toBe(404);
    expect((await world.stranger.get(POLICIES)).status).toBe(404);
    const { body } = await world.operator.post(POLICIES, { kind: 'motion' });
    await world.admin.post('/v1/robots', { id: 'r2' });
    expect((await world.admin.delete(`/v1/robots/r2/alert-policies/${body.id}`)).status).toBe(404);
    expect((await world.admin.delete(`${POLICIES}/not-a-uuid`)).body.fields[0].field).toBe('policyId');
  });

  it('can be written for every kind that a robot may raise', async () => {
    for (const kind of ALERT_KINDS) expect((await world.operator.post(POLICIES, { kind })).status).toBe(201);
  });
});

describe('telemetry', () => {
  const sample = (at: number): object => ({
    v: 1,
    at,
    bootId: 'b1',
    cpuPercent: 12.5,
    memoryTotalBytes: 4e9,
    memoryAvailableBytes: 3e9,
    agentRssBytes: 6e7,
    temperatureCelsius: 51,
    uptimeSeconds: 10,
    reconnects: 0,
    cameras: [{ camera: 'main', state: 'live', restarts: 0, stats: { fps: 15 } }],
  });

  it('of a robot is remembered, the newest 120, for who may see it', async () => {
    for (let at = 1; at <= 130; at += 1)
      await robot.publish('rc/v1/robots/r1/evt/telemetry', JSON.stringify(sample(at)));
    await robot.publish('rc/v1/robots/r1/evt/telemetry', '{"v":1,"at":"x"}');
    const items = await until(async () => {
      const { body } = await world.viewer.get('/v1/robots/r1/telemetry');
      return body.items.at(-1)?.at === 130 && body.items;
    });
    expect(items).toHaveLength(120);
    expect(items.at(-1)).toMatchObject({
      cpuPercent: 12.5,
      cameras: [{ camera: 'main', stats: { fps: 15 } }],
    });
    expect(Date.parse(items.at(-1).receivedAt)).toBeGreaterThan(Date.now() - 10_000);
    expect((await world.stranger.get('/v1/robots/r1/telemetry')).status).toBe(404);
    await world.admin.post('/v1/robots', { id: 'silent' });
    expect((await world.admin.get('/v1/robots/silent/telemetry')).body).toEqual({
      robotId: 'silent',
      items: [],
    });
  });
});
