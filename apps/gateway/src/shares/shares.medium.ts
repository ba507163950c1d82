import { deriveKeys, pathDigest, Tokens, type TicketClaims } from '@rovercast/access';
import { RestClient } from '../../../../test/e2e/support/client';
import { TEST_SECRET, TestGateway, type Person } from '../test-gateway';

jest.setTimeout(40_000);

const tokens = new Tokens([deriveKeys(TEST_SECRET)]);
const claimsOf = (ticket: string): TicketClaims => {
  const read = tokens.readTicket(ticket, Date.now());
  if (!read.ok) throw new Error(read.problem);
  return read.value;
};
const inSeconds = (time: string): number => Math.round((Date.parse(time) - Date.now()) / 1000);

let gateway: TestGateway;
let admin: Person;
let operator: Person;
let viewer: Person;
let stranger: Person;
let streamId: string;

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin', { name: 'admin' });
  operator = await gateway.person('operator', {
    grants: [
      { action: 'read', pattern: 'robots/r1/**' },
      { action: 'control', pattern: 'robots/r1/**' },
    ],
  });
  viewer = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/r1/**' }] });
  stranger = await gateway.person('viewer');
  await gateway.robots.create({ id: 'r1' }, 'test');
  streamId = await gateway.stream('r1');
});
afterAll(() => gateway?.stop());

describe('a ticket', () => {
  const ask = (person: Person, body: object = {}) =>
    person.client.post(`/v1/streams/${streamId}/tickets`, body);

  it('to watch carries its family into every URL and command', async () => {
    const { status, body } = await ask(viewer, { expiresInSeconds: 60, name: 'lobby' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ path: 'robots/r1', action: 'read', leaveAt: null, address: null });
    expect(body.familyId).toMatch(/^[\w-]{11}$/);
    expect(claimsOf(body.ticket)).toMatchObject({
      subject: viewer.username,
      action: 'read',
      pathDigest: pathDigest('robots/r1'),
      family: body.familyId,
    });
    expect(inSeconds(body.expiresAt)).toBe(60);
    expect(body.urls.srt).toBe(`srt://media.test:8890?streamid=read:robots/r1:token=${body.ticket}`);
    expect(body.commands.vlc).toBe(`vlc --rtsp-tcp '${body.urls.rtsp}'`);
    expect(body.commands.obs).toBeNull();
    const [row] = await gateway.query(
      'SELECT path, action, name, created_by FROM ticket_families WHERE id = $1',
      [body.familyId],
    );
    expect(row).toEqual({ path: 'robots/r1', action: 'read', name: 'lobby', created_by: viewer.id });
  });

  it('says when to leave, and from where alone it is good', async () => {
    const { body } = await ask(viewer, { leaveInSeconds: 120, address: '192.0.2.7' });
    expect(inSeconds(body.leaveAt)).toBe(120);
    expect(claimsOf(body.ticket)).toMatchObject({
      address: '192.0.2.7',
      leaveAt: Math.floor(Date.parse(body.leaveAt) / 1000) * 1000,
    });
  });

  it('to publish is for who may publish or control', async () => {
    expect((await ask(viewer, { action: 'publish' })).status).toBe(403);
    expect((await ask(stranger, { action: 'publish' })).status).toBe(404);
    for (const person of [operator, admin]) {
      const { status, body } = await ask(person, { action: 'publish' });
      expect(status).toBe(201);
      expect(claimsOf(body.ticket)).toMatchObject({ action: 'publish' });
      expect(body.urls).toMatchObject({
        hls: null,
        webrtc: expect.stringContaining('/robots/r1/whip?token='),
      });
      expect(body.commands.obs).toEqual({
        server: 'rtmp://media.test:1935/robots',
        streamKey: `r1?token=${body.ticket}`,
      });
    }
    const publisher = await gateway.person('service', {
      grants: [
        { action: 'publish', pattern: 'robots/r1' },
        { action: 'read', pattern: 'robots/r1' },
      ],
    });
    expect((await ask(publisher, { action: 'publish' })).status).toBe(201);
  });

  it('to watch is not for who may only control', async () => {
    const driver = await gateway.person('operator', {
      grants: [{ action: 'control', pattern: 'robots/r1' }],
    });
    expect((await ask(driver)).status).toBe(403);
    expect((await ask(driver, { action: 'publish' })).status).toBe(201);
  });

  it('does not outlive the right that it was made with', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const guest = await gateway.person('viewer', {
      grants: [{ action: 'read', pattern: 'robots/r1', expiresAt }],
    });
    const { body } = await ask(guest, { expiresInSeconds: 3600 });
    expect(body).toMatchObject({ expiresAt: expiresAt.toISOString(), leaveAt: expiresAt.toISOString() });
  });

  it('is bound to an address where the right is', async () => {
    const local = await gateway.person('viewer', {
      grants: [{ action: 'read', pattern: 'robots/r1', addressRanges: ['127.0.0.0/8', '192.0.2.0/24'] }],
    });
    expect((await ask(local)).body.address).toBe('127.0.0.1');
    expect((await ask(local, { address: '192.0.2.9' })).body.address).toBe('192.0.2.9');
    const outside = await ask(local, { address: '203.0.113.1' });
    expect([outside.status, outside.body.fields[0].field]).toEqual([400, 'address']);
    expect((await local.client.post('/v1/shares', { path: 'robots/r1' })).status).toBe(403);
  });

  it('is short for the longest path, name and all', async () => {
    const path = `robots/${'p'.repeat(193)}`;
    const { body } = await admin.client.post('/v1/shares', { path });
    expect(path).toHaveLength(200);
    expect(body.ticket.length).toBeLessThan(300);
    expect(body.urls.srt).not.toBeNull();
    const bound = await ask(viewer, {
      leaveInSeconds: 600,
      address: '255.255.255.255',
      name: 'x'.repeat(64),
    });
    expect(bound.body.ticket.length).toBeLessThan(300);
  });

  it.each([
    ['expiresInSeconds', { expiresInSeconds: 9 }],
    ['expiresInSeconds', { expiresInSeconds: 86_401 }],
    ['expiresInSeconds', { expiresInSeconds: null }],
    ['leaveInSeconds', { leaveInSeconds: 0 }],
    ['leaveInSeconds', { leaveInSeconds: 'soon' }],
    ['address', { address: '192.0.2.0/24' }],
    ['address', { address: 'example.org' }],
    ['action', { action: 'control' }],
    ['action', { action: null }],
    ['name', { name: 'x'.repeat(65) }],
    ['path', { path: 'robots/r2' }],
    ['subject', { subject: 'admin' }],
  ])('with a bad %s is refused by its name: %j', async (field, request) => {
    const { status, body } = await ask(admin, request);
    expect(status).toBe(400);
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
    for (const problem of body.fields) expect(problem.message).toContain(field);
  });
});

describe('a share link', () => {
  const share = async (person: Person, change: object = {}): Promise<any> =>
    (await person.client.post('/v1/shares', { path: 'robots/r1', ...change })).body;

  it('watches for a day, and then its sessions end', async () => {
    const body = await share(viewer, { name: 'city hall' });
    expect(body).toMatchObject({
      path: 'robots/r1',
      action: 'read',
      name: 'city hall',
      createdBy: viewer.username,
      revokedAt: null,
    });
    expect(inSeconds(body.expiresAt)).toBe(86_400);
    expect(inSeconds(body.leaveAt)).toBe(86_400);
    expect(claimsOf(body.ticket)).toMatchObject({ action: 'read', family: body.id });
    const { ticket: _ticket, urls: _urls, commands: _commands, ...shown } = body;
    expect((await viewer.client.get(`/v1/shares/${body.id}`)).body).toEqual(shown);
  });

  it('is revoked: denied, noted for cutting, audited', async () => {
    const { id } = await share(viewer);
    const { status, body } = await viewer.client.delete(`/v1/shares/${id}`);
    expect(status).toBe(202);
    expect(await gateway.revocation(body.revocationId)).toEqual({
      kind: 'ticket-family',
      subject: id,
      reason: 'the share was revoked',
      requested_by: viewer.username,
    });
    const first = (await viewer.client.get(`/v1/shares/${id}`)).body.revokedAt;
    expect(first).not.toBeNull();
    expect((await viewer.client.delete(`/v1/shares/${id}`)).status).toBe(202);
    expect((await viewer.client.get(`/v1/shares/${id}`)).body.revokedAt).toBe(first);
    expect(await gateway.auditOf('robots/r1')).toContain(`${viewer.username} ticket.revoke`);
  });

  it('belongs to its maker, to who controls the path, and to admins', async () => {
    const { id } = await share(viewer);
    for (const person of [viewer, operator, admin])
      expect((await person.client.get(`/v1/shares/${id}`)).status).toBe(200);
    const other = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/r1/**' }] });
    const service = await gateway.person('service');
    for (const person of [stranger, other, service]) {
      expect((await person.client.get(`/v1/shares/${id}`)).status).toBe(404);
      expect((await person.client.delete(`/v1/shares/${id}`)).status).toBe(404);
      expect((await person.client.get('/v1/shares')).body.items).toEqual([]);
    }
    const anyone = new RestClient(gateway.url);
    expect((await anyone.get(`/v1/shares/${id}`)).status).toBe(401);
    expect((await operator.client.delete(`/v1/shares/${id}`)).status).toBe(202);
  });

  it('is not for a path that one may not watch', async () => {
    expect((await stranger.client.post('/v1/shares', { path: 'robots/r1' })).status).toBe(404);
    expect((await viewer.client.post('/v1/shares', { path: 'robots/r10' })).status).toBe(404);
    const driver = await gateway.person('operator', {
      grants: [{ action: 'control', pattern: 'robots/r1' }],
    });
    expect((await driver.client.post('/v1/shares', { path: 'robots/r1' })).status).toBe(403);
  });

  it('is listed in pages, newest first, until it is over', async () => {
    const maker = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/r1' }] });
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.unshift((await share(maker)).id);
    const listed: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await maker.client.get(`/v1/shares?limit=2${cursor && `&cursor=${cursor}`}`);
      listed.push(...body.items.map((one: { id: string }) => one.id));
      cursor = body.nextCursor;
    }
    expect(listed).toEqual(made);
    await gateway.query(
      `UPDATE ticket_families SET expires_at = now() - interval '1 s', leave_at = NULL WHERE id = $1`,
      [made[0]],
    );
    const { body } = await maker.client.get('/v1/shares');
    expect(body.items.map((one: { id: string }) => one.id)).toEqual(made.slice(1));
    const all = (await admin.client.get('/v1/shares?limit=500')).body.items;
    expect(all.length).toBeGreaterThan(4);
  });

  it('ends with the robot that it shows', async () => {
    await gateway.robots.create({ id: 'gone' }, 'test');
    const { id } = await share(admin, { path: 'robots/gone/rear' });
    const neighbour = await share(admin, { path: 'robots/gone2' });
    await admin.client.delete('/v1/robots/gone');
    expect((await admin.client.get(`/v1/shares/${id}`)).body.revokedAt).not.toBeNull();
    expect((await admin.client.get(`/v1/shares/${neighbour.id}`)).body.revokedAt).toBeNull();
    expect(await gateway.revocationsOf('ticket-family', id)).toEqual(['the robot was deleted']);
  });

  it('of a former admin ends with the role, where no grant stands behind it', async () => {
    const former = await gateway.person('admin');
    const ends = await share(former, { path: 'robots/r1' });
    await gateway.users.grant(former.username, { action: 'read', pattern: 'robots/r3' }, 'test');
    const stays = await share(former, { path: 'robots/r3' });
    await admin.client.call('PATCH', `/v1/users/${former.id}`, { role: 'viewer' });
    expect((await admin.client.get(`/v1/shares/${ends.id}`)).body.revokedAt).not.toBeNull();
    expect((await admin.client.get(`/v1/shares/${stays.id}`)).body.revokedAt).toBeNull();
  });

  it.each([
    ['path', {}],
    ['path', { path: '' }],
    ['path', { path: '/robots/r1' }],
    ['path', { path: 'robots/../r1' }],
    ['path', { path: 'robots/**' }],
    ['path', { path: `robots/${'x'.repeat(200)}` }],
    ['expiresInSeconds', { path: 'x', expiresInSeconds: 2_592_001 }],
    ['name', { path: 'x', name: 5 }],
    ['action', { path: 'x', action: 'publish' }],
  ])('with a bad %s is refused by its name: %j', async (field, request) => {
    const { status, body } = await admin.client.post('/v1/shares', request);
    expect(status).toBe(400);
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  });

  it.each(['x', '%00', 'a'.repeat(11), 'a'.repeat(200)])('%s is 404', async (id) => {
    expect((await admin.client.get(`/v1/shares/${id}`)).status).toBe(404);
    expect((await admin.client.delete(`/v1/shares/${id}`)).status).toBe(404);
  });

  it('pages from nowhere are refused', async () => {
    expect((await admin.client.get('/v1/shares?cursor=nonsense')).status).toBe(400);
  });
});
