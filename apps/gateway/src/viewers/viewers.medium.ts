import { randomUUID } from 'node:crypto';
import { RestClient } from '../../../../test/e2e/support/client';
import { TestGateway, type Person } from '../test-gateway';

jest.setTimeout(40_000);

let gateway: TestGateway;
let admin: Person;
let operator: Person;
let viewer: Person;
let stranger: Person;

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin', { name: 'admin' });
  operator = await gateway.person('operator', {
    grants: [
      { action: 'read', pattern: 'robots/r1/**' },
      { action: 'control', pattern: 'robots/r1/**' },
    ],
  });
  viewer = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/**' }] });
  stranger = await gateway.person('service');
  for (const id of ['r1', 'r2', 'r3']) await gateway.robots.create({ id }, 'test');
});
afterAll(() => gateway?.stop());

interface Watch {
  path?: string;
  principal?: string;
  principalKind?: string;
  family?: string | null;
  /** Minutes ago. */
  from?: number;
  to?: number | null;
}

/** A line as the monitor writes it. */
const watch = async (change: Watch = {}): Promise<string> => {
  const line = {
    path: 'robots/r1',
    principal: 'eve',
    principalKind: 'user',
    family: null,
    from: 5,
    to: null,
    ...change,
  };
  const sessionId = randomUUID();
  await gateway.query(
    `INSERT INTO view_log (session_id, node, kind, path, protocol, principal_kind, principal, address, user_agent, started_at,
       ended_at, end_reason, outbound_bytes)
     VALUES ($1, 'n1', 'rtspsessions', $2, 'rtsp', $3, $4, '192.0.2.7', 'VLC', now() - $5 * interval '1 min',
       now() - $6 * interval '1 min', $7, 5000000000)`,
    [
      sessionId,
      line.path,
      line.principalKind,
      line.principal,
      line.from,
      line.to,
      line.to === null ? null : 'left',
    ],
  );
  if (line.family !== null) await admit(sessionId, { ...line, action: 'read' });
  return sessionId;
};

const admit = (
  sessionId: string,
  line: { path: string; principal: string; principalKind: string; family: string | null; action: string },
): Promise<unknown> =>
  gateway.query(
    `INSERT INTO admissions (session_id, node, action, path, protocol, address, user_agent, principal_kind, principal, ticket_family)
       VALUES ($1, 'n1', $2, $3, 'rtsp', '192.0.2.8', 'Lavf', $4, $5, $6)`,
    [sessionId, line.action, line.path, line.principalKind, line.principal, line.family],
  );

const idsOf = (items: { sessionId?: string; id?: string }[]): string[] =>
  items.map(({ sessionId, id }) => sessionId ?? id ?? '');

describe('the viewers of a stream', () => {
  let streamId: string;
  let now: string;
  let before: string;

  beforeAll(async () => {
    streamId = await gateway.stream('r1');
    before = await watch({ from: 30, to: 20 });
    now = await watch();
    await watch({ path: 'robots/r1/rear' });
    await watch({ from: 120, to: 100 });
  });

  it('are those who watch now', async () => {
    const { status, body } = await operator.client.get(`/v1/streams/${streamId}/viewers`);
    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(body.items).toEqual([
      {
        sessionId: now,
        path: 'robots/r1',
        protocol: 'rtsp',
        principal: 'eve',
        principalKind: 'user',
        share: null,
        address: '192.0.2.7',
        userAgent: 'VLC',
        startedAt: expect.any(String),
        lastSeenAt: expect.any(String),
        endedAt: null,
        endReason: null,
        durationSeconds: 300,
        outboundBytes: 5_000_000_000,
      },
    ]);
  });

  it('are with history those who have left too, and nobody from before it began', async () => {
    const { body } = await admin.client.get(`/v1/streams/${streamId}/viewers?history=true`);
    expect(idsOf(body.items)).toEqual([now, before]);
    expect(body.items[1]).toMatchObject({ endReason: 'left', durationSeconds: 600 });
  });

  it('come in pages', async () => {
    const first = (await admin.client.get(`/v1/streams/${streamId}/viewers?history=true&limit=1`)).body;
    expect(idsOf(first.items)).toEqual([now]);
    const second = (
      await admin.client.get(
        `/v1/streams/${streamId}/viewers?history=true&limit=1&cursor=${first.nextCursor}`,
      )
    ).body;
    expect([idsOf(second.items), second.nextCursor]).toEqual([[before], null]);
  });

  it('of an ended stream are those of its time', async () => {
    const ended = await gateway.stream('r2', { endedAt: new Date(Date.now() - 10 * 60_000) });
    const during = await watch({ path: 'robots/r2', from: 30, to: 20 });
    await watch({ path: 'robots/r2', from: 5 });
    const { body } = await admin.client.get(`/v1/streams/${ended}/viewers?history=true`);
    expect(idsOf(body.items)).toEqual([during]);
  });

  it('say through which share they came', async () => {
    const share = (await operator.client.post('/v1/shares', { path: 'robots/r1', name: 'city hall' })).body;
    const sessionId = await watch({
      principalKind: 'ticket',
      principal: operator.username,
      family: share.id,
    });
    const { body } = await operator.client.get(`/v1/streams/${streamId}/viewers`);
    expect(body.items.find((one: { sessionId: string }) => one.sessionId === sessionId)).toMatchObject({
      principal: operator.username,
      share: { id: share.id, name: 'city hall' },
    });
  });

  it('are for who may control the path', async () => {
    const ask = async (person: Person): Promise<number> =>
      (await person.client.get(`/v1/streams/${streamId}/viewers`)).status;
    expect(await Promise.all([admin, operator, viewer, stranger].map(ask))).toEqual([200, 200, 403, 404]);
    expect((await new RestClient(gateway.url).get(`/v1/streams/${streamId}/viewers`)).status).toBe(401);
    expect((await admin.client.get(`/v1/streams/${randomUUID()}/viewers`)).status).toBe(404);
  });

  it.each(['history=perhaps', 'history=1', 'cursor=x', 'cursor=-1', 'limit=0', 'surprise=1'])(
    'are not asked for with %s',
    async (query) => {
      expect((await admin.client.get(`/v1/streams/${streamId}/viewers?${query}`)).status).toBe(400);
    },
  );
});

describe('sessions', () => {
  let watched: string;
  let published: string;
  let elsewhere: string;

  beforeAll(async () => {
    watched = await watch({ principal: 'mallory' });
    elsewhere = await watch({ path: 'robots/r3' });
    published = randomUUID();
    await admit(published, {
      path: 'robots/r1',
      principal: 'r1',
      principalKind: 'ticket',
      family: null,
      action: 'publish',
    });
  });

  it('are listed on the paths that one may control, viewers and publishers', async () => {
    const all = (await admin.client.get('/v1/sessions?limit=500')).body.items;
    expect(idsOf(all)).toEqual(expect.arrayContaining([watched, published, elsewhere]));
    expect(all.find((one: { id: string }) => one.id === published)).toMatchObject({
      action: 'publish',
      principal: 'r1',
    });
    const own = (await operator.client.get('/v1/sessions?limit=500')).body.items;
    expect(idsOf(own)).toEqual(expect.arrayContaining([watched, published]));
    expect(idsOf(own)).not.toContain(elsewhere);
    for (const person of [viewer, stranger])
      expect((await person.client.get('/v1/sessions')).body).toEqual({ items: [], nextCursor: null });
  });

  it('come in pages, each once', async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await operator.client.get(`/v1/sessions?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...idsOf(body.items));
      cursor = body.nextCursor;
    }
    const all = idsOf((await operator.client.get('/v1/sessions?limit=500')).body.items);
    expect(seen).toEqual(all);
    expect(new Set(seen).size).toBe(all.length);
  });

  it('are cut by who may control the path', async () => {
    const ask = async (person: Person, id: string): Promise<number> =>
      (await person.client.delete(`/v1/sessions/${id}`)).status;
    expect(await ask(stranger, watched)).toBe(404);
    expect(await ask(viewer, watched)).toBe(403);
    expect(await ask(operator, elsewhere)).toBe(404);
    expect(await gateway.query(`SELECT 1 FROM revocations WHERE kind = 'session'`)).toEqual([]);
    const { status, body } = await operator.client.delete(`/v1/sessions/${watched}`);
    expect(status).toBe(202);
    expect(await gateway.revocation(body.revocationId)).toEqual({
      kind: 'session',
      subject: watched,
      reason: 'cut by hand',
      requested_by: operator.username,
    });
    expect(await gateway.auditOf('robots/r1')).toContain(`${operator.username} session.cut`);
    expect(await ask(admin, published)).toBe(202);
  });

  it('that are over or were never there are 404', async () => {
    const over = await watch({ to: 1 });
    expect((await admin.client.delete(`/v1/sessions/${over}`)).status).toBe(404);
    expect((await admin.client.delete(`/v1/sessions/${randomUUID()}`)).status).toBe(404);
    expect((await admin.client.delete('/v1/sessions/x')).status).toBe(400);
  });
});

describe('a revocation', () => {
  it('shows its receipt to who asked for it and to admins', async () => {
    const sessionId = await watch();
    const { revocationId } = (await operator.client.delete(`/v1/sessions/${sessionId}`)).body;
    const open = await operator.client.get(`/v1/revocations/${revocationId}`);
    expect(open.body).toMatchObject({ kind: 'session', subject: sessionId, verified: false, sessions: [] });
    const cut = {
      sessionId,
      node: 'n1',
      kind: 'rtspsessions',
      protocol: 'rtsp',
      path: 'robots/r1',
      principal: 'eve',
      cutAfterMs: 412,
      verified: true,
    };
    await gateway.query(
      'UPDATE revocations SET verified_at = now(), attempts = 1, receipt = $2 WHERE id = $1',
      [revocationId, JSON.stringify([cut])],
    );
    const { kind: _kind, ...shown } = cut;
    for (const person of [operator, admin]) {
      const { body } = await person.client.get(`/v1/revocations/${revocationId}`);
      expect(body).toMatchObject({ verified: true, attempts: 1, sessions: [shown] });
    }
    for (const person of [viewer, stranger])
      expect((await person.client.get(`/v1/revocations/${revocationId}`)).status).toBe(404);
    expect((await admin.client.get(`/v1/revocations/${randomUUID()}`)).status).toBe(404);
    expect((await admin.client.get('/v1/revocations/x')).status).toBe(400);
  });
});

describe('what a user watched', () => {
  it('is for admins and for the user, with tickets in its name, and no robot of that name', async () => {
    const one = await watch({ principal: viewer.username, from: 30, to: 20 });
    const two = await watch({ principal: viewer.username, principalKind: 'ticket', path: 'robots/r2' });
    await watch({ principal: viewer.username, principalKind: 'robot' });
    for (const person of [viewer, admin]) {
      const { body } = await person.client.get(`/v1/users/${viewer.id}/views`);
      expect(idsOf(body.items)).toEqual([two, one]);
    }
    for (const person of [operator, stranger])
      expect((await person.client.get(`/v1/users/${viewer.id}/views`)).status).toBe(404);
  });
});
