import { randomUUID } from 'node:crypto';
import { TestGateway, type Person } from '../test-gateway';

let gateway: TestGateway;
let admin: Person;
let operator: Person;
let viewer: Person;
let outsider: Person;

jest.setTimeout(30_000);

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin');
  operator = await gateway.person('operator', { grants: [{ action: 'control', pattern: 'robots/**' }] });
  viewer = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/y1' }] });
  outsider = await gateway.person('operator');
  for (const id of ['y1', 'y2', 'y3']) await gateway.robots.create({ id }, 'test');
  await admin.client.call('PATCH', '/v1/groups/robots', { limits: { streams: 2 } });
  await gateway.query('UPDATE quota_settings SET max_pending_percent = NULL');
});

afterAll(() => gateway?.stop());

async function slot(
  path: string,
  { kind = 'robot', id = path.split('/')[1], userId = null as string | null } = {},
) {
  await gateway.query(
    `SELECT acquire_slot($1, split_part($1, '/', 1), q.rules_version, $2, $3, $4, NULL, NULL, NULL, 30000, 1000) FROM quota_settings q`,
    [path, kind, id, userId],
  );
}

afterEach(() =>
  gateway.query(`SELECT release_slot(id, NULL, NULL, 'STOPPED', NULL) FROM slots WHERE state <> 'ended'`),
);

const ask = async (person: Person, path: string): Promise<any> =>
  (await person.client.get(`/v1/quotas/why?path=${encodeURIComponent(path)}`)).body;

describe('GET /v1/quotas/why', () => {
  it('says which group a path belongs to, by which pattern, and that there is room', async () => {
    expect(await ask(operator, 'robots/y1')).toEqual({
      path: 'robots/y1',
      group: {
        name: 'robots',
        pattern: { kind: 'path', value: 'robots/**' },
        limits: { streams: 2, viewersPerStream: null, streamsPerUser: null },
      },
      slot: null,
      usage: { group: { used: 0, limit: 2 }, total: { used: 0, limit: null } },
      admission: {
        admitted: true,
        reason: 'ROOM',
        used: 0,
        limit: 2,
        wouldFree: null,
        retryAfterSeconds: null,
      },
      holders: [],
      whatWouldFree: [],
    });
  });

  it('says who is in the way of a full group, the oldest first', async () => {
    await slot('robots/y2');
    await slot('robots/y3');
    const answer = await ask(operator, 'robots/y1');
    expect(answer.admission).toMatchObject({ admitted: false, reason: 'GROUP_FULL', used: 2, limit: 2 });
    expect(answer.whatWouldFree.map((one: any) => [one.path, one.state, one.holder])).toEqual([
      ['robots/y2', 'reserved', { kind: 'robot', id: 'y2' }],
      ['robots/y3', 'reserved', { kind: 'robot', id: 'y3' }],
    ]);
  });

  it('does not name paths that the caller may not know of', async () => {
    await slot('robots/y1');
    await slot('robots/y2');
    const answer = await ask(viewer, 'robots/y1');
    expect(answer.usage.group).toEqual({ used: 2, limit: 2 });
    expect(answer.admission).toMatchObject({ admitted: true, reason: 'HELD' });
    expect(answer.holders.map((one: any) => one.path)).toEqual(['robots/y1']);
    expect(answer.slot).toMatchObject({ state: 'reserved', holder: { kind: 'robot', id: 'y1' } });
    expect(JSON.stringify(answer)).not.toContain('y2');
  });

  it('names people to staff only', async () => {
    await slot('robots/y1', { kind: 'user', id: 'somebody' });
    expect((await ask(viewer, 'robots/y1')).slot.holder).toBeNull();
    const told = await ask(operator, 'robots/y1');
    expect(told.slot.holder).toEqual({ kind: 'user', id: 'somebody' });
    expect(told.admission).toMatchObject({ admitted: false, reason: 'PATH_TAKEN' });
  });

  it('says what the total has to do with it, over all groups', async () => {
    await slot('cameras/c1', { kind: 'camera', id: 'c1' });
    await admin.client.call('PATCH', '/v1/quotas/total', { streams: 1 });
    const answer = await ask(admin, 'robots/y1');
    expect(answer.admission).toMatchObject({ admitted: false, reason: 'TOTAL_FULL', used: 1, limit: 1 });
    expect(answer.whatWouldFree.map((one: any) => one.path)).toEqual(['cameras/c1']);
    expect(answer.holders).toEqual([]);
    await admin.client.call('PATCH', '/v1/quotas/total', { streams: null });
  });

  it('says that nobody streams where there is no group', async () => {
    const answer = await ask(admin, 'elsewhere/x');
    expect(answer).toMatchObject({
      group: null,
      usage: { group: null },
      admission: { admitted: false, reason: 'NO_GROUP' },
      holders: [],
    });
  });

  it.each([
    ['', 400],
    ['?path=', 400],
    ['?path=..%2Fx', 400],
    ['?path=a&path=b', 400],
    ['?path=%00', 400],
    ['?path=robots/y1&x=1', 400],
  ])('refuses %j', async (query, status) => {
    expect((await admin.client.get(`/v1/quotas/why${query}`)).status).toBe(status);
  });

  it('knows nothing of paths of others', async () => {
    expect((await outsider.client.get('/v1/quotas/why?path=robots/y1')).status).toBe(404);
    expect((await viewer.client.get('/v1/quotas/why?path=robots/y2')).status).toBe(404);
  });
});

describe('GET /v1/streams/{id}/why', () => {
  let id: string;

  beforeAll(async () => {
    id = await gateway.stream('y1');
    const sessions = [
      ['hls', null],
      ['hls', null],
      ['rtsp', null],
      ['rtsp', new Date()],
    ];
    for (const [protocol, endedAt] of sessions) {
      await gateway.query(
        `INSERT INTO view_log (session_id, node, kind, path, protocol, principal_kind, principal, address, user_agent, started_at, ended_at)
           VALUES ($1, 'n', 'hls', 'robots/y1', $2, 'user', 'x', '10.0.0.1', '', now(), $3)`,
        [randomUUID(), protocol, endedAt],
      );
    }
    for (const [minutes, path] of [
      ...Array.from({ length: 12 }, (_, n) => [n, 'robots/y1']),
      [0, 'robots/y2'],
    ]) {
      await gateway.query(
        `INSERT INTO admissions (session_id, node, at, action, path, protocol, address, user_agent, principal_kind, principal)
           VALUES ($1, 'n', now() - $2 * interval '1 minute', 'read', $3, 'rtsp', '10.0.0.1', '', 'user', 'p' || $2)`,
        [randomUUID(), minutes, path],
      );
    }
    // A user may be called like a robot; what is done to it is nobody's business here.
    await gateway.query(
      `INSERT INTO audit_events (actor, action, target, outcome) VALUES ('a', 'user.update', 'y1', 'ok')`,
    );
  });

  it('puts together state, group, slot, viewers, decisions and audit', async () => {
    await slot('robots/y1');
    const { status, body } = await operator.client.get(`/v1/streams/${id}/why`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      stream: { id, state: 'live', cause: null, detail: null, viewers: 3 },
      group: { name: 'robots', pattern: { kind: 'path', value: 'robots/**' } },
      slot: { state: 'reserved', holder: { kind: 'robot', id: 'y1' }, reason: null },
      usage: { group: { used: 1, limit: 2 } },
      sessions: [
        { protocol: 'hls', count: 2 },
        { protocol: 'rtsp', count: 1 },
      ],
    });
    expect(body.decisions.map((one: any) => one.principal)).toEqual(
      Array.from({ length: 10 }, (_, n) => `p${n}`),
    );
    const actions = body.audit.map((one: any) => one.action);
    expect(actions).toEqual(expect.arrayContaining(['robot.create', 'group.update']));
    expect(actions).not.toContain('user.update');
  });

  it('tells decisions and audit to no viewer, and to no operator that may only look', async () => {
    const looker = await gateway.person('operator', { grants: [{ action: 'read', pattern: 'robots/y1' }] });
    for (const person of [viewer, looker]) {
      const { status, body } = await person.client.get(`/v1/streams/${id}/why`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ sessions: [{ count: 2 }, { count: 1 }], decisions: null, audit: null });
    }
  });

  it('says how the last slot ended', async () => {
    await slot('robots/y1');
    await gateway.query(`SELECT release_slot(NULL, 'robots/y1', NULL, 'KICKED', NULL)`);
    const { body } = await viewer.client.get(`/v1/streams/${id}/why`);
    expect(body.slot).toMatchObject({ state: 'ended', reason: 'KICKED', reservedUntil: null });
    expect(body.slot.endedAt).not.toBeNull();
  });

  it('is not there for who may not know of the stream', async () => {
    expect((await outsider.client.get(`/v1/streams/${id}/why`)).status).toBe(404);
    expect((await admin.client.get(`/v1/streams/${randomUUID()}/why`)).status).toBe(404);
    expect((await admin.client.get('/v1/streams/nonsense/why')).status).toBe(400);
  });
});
