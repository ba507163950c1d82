import { FakeRobot } from '../../../../test/support/fake-robot';
import { until } from '../../../../test/support/until';
import { TestGateway, type Person } from '../test-gateway';

let gateway: TestGateway;
let admin: Person;
let operator: Person;
let viewer: Person;
const robots: FakeRobot[] = [];

jest.setTimeout(30_000);

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin');
  operator = await gateway.person('operator', { grants: [{ action: 'control', pattern: 'robots/**' }] });
  viewer = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/**' }] });
  for (const id of ['q1', 'q2', 'q3']) {
    await gateway.robots.create({ id }, 'test');
    robots.push(await FakeRobot.connect(gateway.brokerUrl, id));
    await until(async () => (await admin.client.get(`/v1/robots/${id}`)).body.online, { timeoutMs: 5_000 });
  }
  await admin.client.call('PATCH', '/v1/groups/robots', { limits: { streams: 2 } });
  await gateway.query('UPDATE quota_settings SET max_pending_percent = NULL');
});

afterAll(async () => {
  await Promise.all(robots.map((robot) => robot.close()));
  await gateway?.stop();
});

const usage = async (scope: string): Promise<any> =>
  (await admin.client.get('/v1/quotas')).body.items.find((item: { scope: string }) => item.scope === scope);

const start = (id: string) => operator.client.post(`/v1/robots/${id}/stream`, {});

afterEach(async () => {
  for (const [index, id] of ['q1', 'q2', 'q3'].entries()) {
    const { body } = await admin.client.get(`/v1/robots/${id}/stream`);
    if (body.endedAt !== null || body.id === null) continue;
    await admin.client.delete(`/v1/robots/${id}/stream`);
    await robots[index].report('main', { state: 'idle', version: 99 });
  }
  await until(async () => (await usage('robots')).used === 0, { timeoutMs: 5_000 });
});

describe('a group with two slots', () => {
  it('has two streams at most, and says what would free one', async () => {
    expect((await start('q1')).status).toBe(201);
    expect((await start('q2')).status).toBe(201);
    const third = await start('q3');
    expect(third).toMatchObject({
      status: 429,
      body: { code: 'QUOTA_EXCEEDED', reason: 'GROUP_FULL', group: 'robots', used: 2, limit: 2 },
    });
    expect(third.body.wouldFree).toContain('has to end');
    expect(third.headers.get('retry-after')).toBe('10');
    expect(robots[2].orders()).toEqual([]);
    expect(await usage('robots')).toMatchObject({ used: 2, limit: 2, reserved: 2, active: 0 });
  });

  it('admits exactly two of many who tap at once', async () => {
    const answers = await Promise.all(['q1', 'q2', 'q3', 'q1', 'q2', 'q3'].map(start));
    const started = new Set(
      answers.filter(({ status }) => status < 300).map(({ body }) => body.robotId as string),
    );
    expect(started.size).toBe(2);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(2);
    expect((await usage('robots')).used).toBe(2);
  });

  it('frees a slot when the robot has stopped', async () => {
    await start('q1');
    await start('q2');
    await operator.client.delete('/v1/robots/q1/stream');
    await robots[0].report('main', { state: 'idle', version: 99 });
    await until(async () => (await start('q3')).status < 300, { timeoutMs: 5_000 });
  });

  it('gets its slot back when the robot refuses', async () => {
    robots[0].answer = (wish) => ({ code: wish.state === 'on' ? 'rejected' : 'accepted' });
    expect((await start('q1')).status).toBe(422);
    robots[0].answer = () => ({ code: 'accepted' });
    await until(async () => (await usage('robots')).used === 0, { timeoutMs: 3_000 });
  });

  it('ends nothing when its limit is lowered', async () => {
    await start('q1');
    await start('q2');
    expect((await admin.client.call('PATCH', '/v1/groups/robots', { limits: { streams: 1 } })).status).toBe(
      200,
    );
    expect(await usage('robots')).toMatchObject({ used: 2, limit: 1 });
    expect((await start('q3')).status).toBe(429);
    await admin.client.call('PATCH', '/v1/groups/robots', { limits: { streams: 2 } });
  });
});

describe('groups', () => {
  const metro = {
    name: 'metro_',
    patterns: [{ kind: 'prefix', value: 'cameras/metro_' }],
    limits: { streams: 30 },
  };

  it('are made, changed, listed and removed by admins, and written to the audit log', async () => {
    expect((await admin.client.post('/v1/groups', metro)).status).toBe(201);
    expect((await admin.client.post('/v1/groups', metro)).status).toBe(409);
    expect((await admin.client.get('/v1/groups/metro_')).body).toMatchObject(metro);
    expect(
      (await operator.client.get('/v1/groups')).body.items.map((group: { name: string }) => group.name),
    ).toContain('metro_');
    expect((await admin.client.delete('/v1/groups/metro_')).status).toBe(204);
    expect((await admin.client.get('/v1/groups/metro_')).status).toBe(404);
    expect(await gateway.auditOf('metro_')).toEqual([
      expect.stringContaining('group.create'),
      expect.stringContaining('group.delete'),
    ]);
  });

  it.each([
    ['limits.streams', { limits: { streams: -1 } }],
    ['limits.streams', { limits: { streams: 1e12 } }],
    ['limits.streams', { limits: { streams: 'many' } }],
    ['limits.streams', { limits: { streams: 1.5 } }],
    ['patterns', { patterns: [] }],
    ['patterns.0.kind', { patterns: [{ kind: 'regex', value: '.*' }] }],
    ['name', { name: 'a b' }],
    ['limits.forever', { limits: { forever: 1 } }],
  ])('are refused with a bad %s', async (field, change) => {
    const { status, body } = await admin.client.post('/v1/groups', { ...metro, ...change });
    expect(status).toBe(400);
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  });

  it('are no business of viewers, and not for operators to change', async () => {
    expect((await viewer.client.get('/v1/groups')).status).toBe(403);
    expect((await viewer.client.get('/v1/quotas')).status).toBe(403);
    expect((await operator.client.post('/v1/groups', metro)).status).toBe(403);
    expect((await operator.client.call('PATCH', '/v1/quotas/total', { streams: 1 })).status).toBe(403);
  });

  it('share a limit over all of them', async () => {
    expect((await admin.client.call('PATCH', '/v1/quotas/total', { streams: 1 })).body).toEqual({
      streams: 1,
    });
    expect((await start('q1')).status).toBe(201);
    expect((await start('q2')).body).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      reason: 'TOTAL_FULL',
      used: 1,
      limit: 1,
    });
    await admin.client.call('PATCH', '/v1/quotas/total', { streams: null });
  });
});
