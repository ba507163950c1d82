import { deriveKeys, hashSecret } from '@rovercast/access';
import { randomUUID } from 'node:crypto';
import { RestClient } from '../../../../test/e2e/support/client';
import { until } from '../../../../test/support/until';
import { TEST_PASSWORD, TEST_SECRET, TestGateway, type Person } from '../test-gateway';

jest.setTimeout(40_000);

let gateway: TestGateway;
let admin: Person;

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin', { name: 'admin' });
});
afterAll(() => gateway?.stop());

const fieldsOf = (body: { fields?: { field: string; message: string }[] }): string[] =>
  (body.fields ?? []).map(({ field }) => field);

describe('users', () => {
  it('are added, shown without a password, and can log in', async () => {
    const { status, body } = await admin.client.post('/v1/users', {
      username: 'ada',
      password: TEST_PASSWORD,
      role: 'viewer',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      username: 'ada',
      role: 'viewer',
      disabled: false,
      disabledAt: null,
      createdAt: expect.any(String),
    });
    expect((await admin.client.get(`/v1/users/${body.id}`)).body).toEqual(body);
    expect((await (await gateway.login('ada')).get(`/v1/users/${body.id}`)).body).toEqual(body);
    expect((await admin.client.post('/v1/users', { username: 'ada', role: 'viewer' })).status).toBe(409);
    expect(await gateway.auditOf('ada')).toEqual(['admin user.create']);
  });

  it.each([
    ['username', { role: 'viewer' }],
    ['username', { username: 'a:b', role: 'viewer' }],
    ['username', { username: '', role: 'viewer' }],
    ['username', { username: { x: 1 }, role: 'viewer' }],
    ['role', { username: 'x' }],
    ['role', { username: 'x', role: 'god' }],
    ['password', { username: 'x', role: 'viewer', password: 'short' }],
    ['password', { username: 'x', role: 'viewer', password: 'x'.repeat(257) }],
    ['password', { username: 'x', role: 'viewer', password: null }],
    ['passwordHash', { username: 'x', role: 'viewer', passwordHash: 'x' }],
  ])('with a bad %s are refused by its name', async (field, request) => {
    const { status, body } = await admin.client.post('/v1/users', request);
    expect(status).toBe(400);
    expect(fieldsOf(body)).toContain(field);
    for (const problem of body.fields) expect(problem.message).toContain(problem.field);
  });

  it('are listed in pages by name, each once', async () => {
    for (let n = 0; n < 3; n += 1) await gateway.person('viewer');
    const names: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await admin.client.get(
        `/v1/users?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      expect(body.items.length).toBeLessThanOrEqual(2);
      names.push(...body.items.map((one: { username: string }) => one.username));
      cursor = body.nextCursor;
    }
    const all = await gateway.query<{ username: string }>('SELECT username FROM users ORDER BY username');
    expect(names).toEqual(all.map(({ username }) => username));
  });

  it('lose their logins and their sessions when they are disabled, and come back without them', async () => {
    const person = await gateway.person('viewer');
    const anyone = new RestClient(gateway.url);
    const login = await anyone.post('/v1/auth/login', { username: person.username, password: TEST_PASSWORD });
    const { status, body } = await admin.client.call('PATCH', `/v1/users/${person.id}`, { disabled: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ disabled: true, revocationId: expect.any(String) });
    expect(await gateway.revocation(body.revocationId)).toEqual({
      kind: 'user',
      subject: person.username,
      reason: 'the user was disabled',
      requested_by: 'admin',
    });
    const refreshToken = login.body.refreshToken as string;
    await until(async () => (await person.client.get('/v1/me')).status === 401, { timeoutMs: 3_000 });
    const again = await admin.client.call('PATCH', `/v1/users/${person.id}`, { disabled: false });
    expect(again.body).toMatchObject({ disabled: false, revocationId: null });
    expect((await anyone.post('/v1/auth/refresh', { refreshToken })).status).toBe(401);
    await until(async () => (await person.client.get('/v1/me')).status === 200, { timeoutMs: 3_000 });
  });

  it('are asked to leave once, however often they are disabled', async () => {
    const person = await gateway.person('viewer');
    for (let n = 0; n < 3; n += 1)
      await admin.client.call('PATCH', `/v1/users/${person.id}`, { disabled: true });
    expect(await gateway.revocationsOf('user', person.username)).toHaveLength(1);
  });

  it('are renamed and given another role', async () => {
    const person = await gateway.person('viewer');
    const { body } = await admin.client.call('PATCH', `/v1/users/${person.id}`, {
      username: 'renamed',
      role: 'operator',
    });
    expect(body).toMatchObject({ username: 'renamed', role: 'operator' });
    expect(await gateway.revocationsOf('user', person.username)).toEqual(['the user was renamed']);
    const taken = await admin.client.call('PATCH', `/v1/users/${person.id}`, { username: 'admin' });
    expect(taken.status).toBe(409);
  });

  it('are removed with all they have, and their sessions are cut', async () => {
    const person = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/**' }] });
    await person.client.post('/v1/shares', { path: 'robots/r9' });
    const { status, body } = await admin.client.delete(`/v1/users/${person.id}`);
    expect(status).toBe(202);
    expect(await gateway.revocation(body.revocationId)).toMatchObject({
      kind: 'user',
      subject: person.username,
    });
    expect((await admin.client.get(`/v1/users/${person.id}`)).status).toBe(404);
    expect((await admin.client.delete(`/v1/users/${person.id}`)).status).toBe(404);
    expect(await gateway.query('SELECT 1 FROM grants WHERE user_id = $1', [person.id])).toEqual([]);
    expect(
      await gateway.query(
        `SELECT created_by, revoked_at IS NOT NULL AS revoked FROM ticket_families WHERE path = 'robots/r9'`,
      ),
    ).toEqual([{ created_by: null, revoked: true }]);
    await until(async () => (await person.client.get('/v1/me')).status === 401, { timeoutMs: 3_000 });
  });

  it('are revoked: logins, keys and tickets end, password and rights stay', async () => {
    const person = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/**' }] });
    await admin.client.post(`/v1/users/${person.id}/keys`, { name: 'OBS' });
    const share = (await person.client.post('/v1/shares', { path: 'robots/r8' })).body;
    const { status, body } = await admin.client.post(`/v1/users/${person.id}/revoke`, {
      reason: 'phone stolen',
    });
    expect(status).toBe(202);
    expect(await gateway.revocation(body.revocationId)).toMatchObject({
      subject: person.username,
      reason: 'phone stolen',
    });
    expect((await admin.client.get(`/v1/users/${person.id}/keys`)).body.items).toEqual([]);
    expect((await admin.client.get(`/v1/shares/${share.id}`)).body.revokedAt).not.toBeNull();
    const open = await gateway.query(
      'SELECT 1 FROM refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL',
      [person.id],
    );
    expect(open).toEqual([]);
    expect((await (await gateway.login(person.username)).get('/v1/me')).body.grants).toHaveLength(1);
  });
});

describe('the last admin', () => {
  const change = (id: string, body: object) => admin.client.call('PATCH', `/v1/users/${id}`, body);

  it.each([
    ['disabled', () => change(admin.id, { disabled: true })],
    ['demoted', () => change(admin.id, { role: 'viewer' })],
    ['deleted', () => admin.client.delete(`/v1/users/${admin.id}`)],
  ])('cannot be %s', async (_what, act) => {
    const before = (await gateway.query(`SELECT 1 FROM revocations`)).length;
    expect((await act()).status).toBe(409);
    expect((await admin.client.get(`/v1/users/${admin.id}`)).body).toMatchObject({
      role: 'admin',
      disabled: false,
    });
    expect(await gateway.query(`SELECT 1 FROM revocations`)).toHaveLength(before);
  });

  it('is not one whom a disabled admin could replace', async () => {
    const second = await gateway.person('admin');
    expect((await change(second.id, { disabled: true })).status).toBe(200);
    expect((await admin.client.delete(`/v1/users/${admin.id}`)).status).toBe(409);
    expect((await admin.client.delete(`/v1/users/${second.id}`)).status).toBe(202);
  });

  it('is left when admins demote each other at once', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => gateway.person('admin')));
    const everyone = [admin, ...others];
    const answers = await Promise.all(
      everyone.map((one, index) =>
        everyone[(index + 1) % everyone.length].client.call('PATCH', `/v1/users/${one.id}`, {
          role: 'viewer',
        }),
      ),
    );
    const left = await gateway.query(`SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL`);
    expect(left.length).toBeGreaterThanOrEqual(1);
    for (const { status } of answers) expect([200, 403, 409]).toContain(status);
    await gateway.query(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    await until(async () => (await admin.client.get('/v1/users')).status === 200, { timeoutMs: 3_000 });
  });
});

describe('a password', () => {
  it('is changed by its owner who knows the old one, and ends the logins', async () => {
    const person = await gateway.person('viewer');
    const own = (body: object) => person.client.call('PATCH', `/v1/users/${person.id}`, body);
    const missing = await own({ password: 'another password' });
    expect([missing.status, fieldsOf(missing.body)]).toEqual([400, ['oldPassword']]);
    expect((await own({ password: 'another password', oldPassword: 'wrong' })).status).toBe(403);
    expect((await own({ password: 'another password', oldPassword: TEST_PASSWORD })).status).toBe(200);
    await expect(gateway.login(person.username)).rejects.toThrow('401');
    await gateway.login(person.username, 'another password');
    const spent = await gateway.query<{ open: boolean }>(
      'SELECT revoked_at IS NULL AS open FROM refresh_tokens WHERE user_id = $1 ORDER BY created_at',
      [person.id],
    );
    expect(spent.map(({ open }) => open)).toEqual([false, true]);
  });

  it('of an admin is no exception, whatever the case of the id', async () => {
    const answers = await Promise.all(
      [admin.id, admin.id.toUpperCase()].map((id) =>
        admin.client.call('PATCH', `/v1/users/${id}`, { password: 'another password' }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
  });

  it('is set by an admin without the old one, and never shows', async () => {
    const person = await gateway.person('viewer');
    const { status } = await admin.client.call('PATCH', `/v1/users/${person.id}`, {
      password: 'c4n4ry-password',
    });
    expect(status).toBe(200);
    await gateway.login(person.username, 'c4n4ry-password');
    const [{ text }] = await gateway.query<{ text: string }>(
      `SELECT string_agg(a::text, ' ') AS text FROM audit_events a`,
    );
    expect(text).not.toContain('c4n4ry');
  });
});

describe('grants', () => {
  it('are given, listed, and taken away with the tickets that were made with them', async () => {
    const person = await gateway.person('viewer');
    const grants = `/v1/users/${person.id}/grants`;
    const given = await admin.client.post(grants, {
      action: 'read',
      pattern: 'robots/r5/**',
      expiresAt: '2999-01-01T00:00:00Z',
      addressRanges: ['127.0.0.0/8', '::1'],
    });
    expect(given.status).toBe(201);
    expect(given.body).toMatchObject({
      action: 'read',
      pattern: 'robots/r5/**',
      expiresAt: '2999-01-01T00:00:00.000Z',
      addressRanges: ['127.0.0.0/8', '::1'],
    });
    expect((await person.client.get(grants)).body.items).toEqual([given.body]);
    const wide = await admin.client.post(grants, { action: 'read', pattern: 'robots/r6' });
    const share = await until(
      async () => {
        const { status, body } = await person.client.post('/v1/shares', { path: 'robots/r6' });
        return status === 201 && body;
      },
      { timeoutMs: 3_000 },
    );
    const taken = await admin.client.delete(`${grants}/${wide.body.id}`);
    expect(taken.status).toBe(202);
    expect(await gateway.revocation(taken.body.revocationId)).toEqual({
      kind: 'grant',
      subject: wide.body.id,
      reason: 'the grant was deleted',
      requested_by: 'admin',
    });
    expect(await gateway.revocationsOf('ticket-family', share.id)).toEqual(['the grant was deleted']);
    expect((await admin.client.delete(`${grants}/${wide.body.id}`)).status).toBe(404);
    expect(await gateway.auditOf(person.username)).toEqual([
      'test user.create',
      'admin grant.create',
      'admin grant.create',
      'admin grant.delete',
    ]);
  });

  it.each([
    ['action', { action: 'fly', pattern: 'robots/**' }],
    ['pattern', { action: 'read', pattern: 'robots/r*' }],
    ['pattern', { action: 'read', pattern: ['robots/**'] }],
    ['pattern', { action: 'read' }],
    ['expiresAt', { action: 'read', pattern: 'x', expiresAt: 'tomorrow' }],
    ['expiresAt', { action: 'read', pattern: 'x', expiresAt: '2030-01-01' }],
    ['expiresAt', { action: 'read', pattern: 'x', expiresAt: '2030-13-01T00:00:00Z' }],
    ['expiresAt', { action: 'read', pattern: 'x', expiresAt: '0000-01-01T00:00:00Z' }],
    ['addressRanges', { action: 'read', pattern: 'x', addressRanges: '10.0.0.0/8' }],
    ['addressRanges', { action: 'read', pattern: 'x', addressRanges: ['10.0.0.0/33'] }],
    ['addressRanges', { action: 'read', pattern: 'x', addressRanges: ['example.org'] }],
    ['addressRanges', { action: 'read', pattern: 'x', addressRanges: [null] }],
    ['addressRanges', { action: 'read', pattern: 'x', addressRanges: null }],
  ])('with a bad %s are refused by its name: %j', async (field, request) => {
    const { status, body } = await admin.client.post(`/v1/users/${admin.id}/grants`, request);
    expect(status).toBe(400);
    expect(fieldsOf(body)).toContain(field);
    for (const problem of body.fields) expect(problem.message).toContain(field);
  });

  it('that become narrower cut what they had opened; wider ones do not', async () => {
    const person = await gateway.person('viewer');
    const give = async (change: object): Promise<string> =>
      (
        await admin.client.post(`/v1/users/${person.id}/grants`, {
          action: 'read',
          pattern: 'robots/**',
          ...change,
        })
      ).body.id;
    const id = await give({ expiresAt: '2100-01-01T00:00:00Z' });
    expect(await give({})).toBe(id);
    expect(await gateway.revocationsOf('grant', id)).toHaveLength(0);
    await give({ addressRanges: ['10.0.0.0/8'] });
    expect(await gateway.revocationsOf('grant', id)).toHaveLength(1);
    await give({ addressRanges: ['10.0.0.0/8', '192.0.2.0/24'] });
    expect(await gateway.revocationsOf('grant', id)).toHaveLength(1);
    await give({ addressRanges: ['10.0.0.0/8', '192.0.2.0/24'], expiresAt: '2031-01-01T00:00:00Z' });
    expect(await gateway.revocationsOf('grant', id)).toHaveLength(2);
  });

  it('of one user are not reached through another', async () => {
    const [one, two] = await Promise.all([gateway.person('viewer'), gateway.person('viewer')]);
    const { body } = await admin.client.post(`/v1/users/${one.id}/grants`, { action: 'read', pattern: 'x' });
    expect((await admin.client.delete(`/v1/users/${two.id}/grants/${body.id}`)).status).toBe(404);
  });

  it('that hold elsewhere do not count here', async () => {
    const person = await gateway.person('viewer', {
      grants: [{ action: 'read', pattern: 'robots/**', addressRanges: ['203.0.113.0/24'] }],
    });
    await gateway.robots.create({ id: 'hidden' }, 'test');
    expect((await person.client.get('/v1/robots/hidden')).status).toBe(404);
    const insider = await gateway.person('viewer', {
      grants: [{ action: 'read', pattern: 'robots/**', addressRanges: ['127.0.0.1'] }],
    });
    expect((await insider.client.get('/v1/robots/hidden')).status).toBe(200);
  });
});

describe('stream keys', () => {
  it('are shown once, stored hashed, listed by name and revoked', async () => {
    const person = await gateway.person('operator');
    const keys = `/v1/users/${person.id}/keys`;
    const made = await admin.client.post(keys, { name: 'studio', expiresAt: '2999-01-01T00:00:00Z' });
    expect(made.status).toBe(201);
    expect(made.body.key).toMatch(/^sk_[\w-]{43}$/);
    const { key, ...shown } = made.body;
    expect((await person.client.get(keys)).body.items).toEqual([shown]);
    const rows = await gateway.query('SELECT id FROM stream_keys WHERE hash = $1', [
      hashSecret(deriveKeys(TEST_SECRET), key),
    ]);
    expect(rows).toEqual([{ id: shown.id }]);
    const gone = await admin.client.delete(`${keys}/${shown.id}`);
    expect(await gateway.revocation(gone.body.revocationId)).toMatchObject({
      kind: 'key',
      subject: shown.id,
    });
    expect((await admin.client.delete(`${keys}/${shown.id}`)).status).toBe(404);
    expect((await admin.client.get(keys)).body).toEqual({ items: [], nextCursor: null });
    const [{ text }] = await gateway.query<{ text: string }>(
      `SELECT string_agg(a::text, ' ') AS text FROM audit_events a`,
    );
    expect(text).not.toContain(key);
  });

  it.each([
    ['name', {}],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(65) }],
    ['expiresAt', { name: 'x', expiresAt: 5 }],
    ['key', { name: 'x', key: 'sk_mine' }],
  ])('with a bad %s are refused', async (field, request) => {
    const { status, body } = await admin.client.post(`/v1/users/${admin.id}/keys`, request);
    expect(status).toBe(400);
    expect(new Set(fieldsOf(body))).toEqual(new Set([field]));
  });
});

describe('user groups', () => {
  it('give their members rights, and take them back', async () => {
    const person = await gateway.person('viewer');
    const group = (await admin.client.post('/v1/user-groups', { name: 'night-shift' })).body;
    expect((await admin.client.post('/v1/user-groups', { name: 'night-shift' })).status).toBe(409);
    const grant = (
      await admin.client.post(`/v1/user-groups/${group.id}/grants`, { action: 'read', pattern: 'robots/r7' })
    ).body;
    const member = `/v1/user-groups/${group.id}/members/${person.id}`;
    expect((await admin.client.call('PUT', member)).status).toBe(204);
    expect((await admin.client.call('PUT', member)).status).toBe(204);
    const names = (await admin.client.get(`/v1/user-groups/${group.id}/members`)).body.items;
    expect(names.map((one: { username: string }) => one.username)).toEqual([person.username]);
    expect((await admin.client.get(`/v1/user-groups/${group.id}`)).body.members).toBe(1);
    await until(async () => (await person.client.get('/v1/me')).body.grants.length === 1, {
      timeoutMs: 3_000,
    });
    const share = (await person.client.post('/v1/shares', { path: 'robots/r7' })).body;
    const left = await admin.client.delete(member);
    expect(left.status).toBe(202);
    expect(await gateway.revocation(left.body.revocationId)).toMatchObject({
      kind: 'user',
      subject: person.username,
    });
    expect(await gateway.revocationsOf('ticket-family', share.id)).toEqual(['the user left a user group']);
    expect((await admin.client.delete(member)).status).toBe(404);
    expect(await gateway.users.accountWithId(person.id)).toMatchObject({ grants: [] });
    const removed = await admin.client.delete(`/v1/user-groups/${group.id}`);
    expect(removed.body.revocationIds).toHaveLength(1);
    expect(await gateway.revocationsOf('grant', grant.id)).toEqual(['the user group was deleted']);
    expect(await gateway.auditOf('user-group:night-shift')).toEqual([
      'admin user-group.create',
      'admin grant.create',
      'admin user-group.add-member',
      'admin user-group.remove-member',
      'admin user-group.delete',
    ]);
  });

  it('lose one grant without the others, and each only its own', async () => {
    const [one, two] = await Promise.all(
      ['g-one', 'g-two'].map(async (name) => (await admin.client.post('/v1/user-groups', { name })).body),
    );
    const give = async (id: string, pattern: string) =>
      (await admin.client.post(`/v1/user-groups/${id}/grants`, { action: 'read', pattern })).body;
    const first = await give(one.id, 'robots/a');
    await give(one.id, 'robots/b');
    expect((await admin.client.delete(`/v1/user-groups/${two.id}/grants/${first.id}`)).status).toBe(404);
    expect((await admin.client.delete(`/v1/user-groups/${one.id}/grants/${first.id}`)).status).toBe(202);
    const { body } = await admin.client.get(`/v1/user-groups/${one.id}/grants`);
    expect(body.items.map((grant: { pattern: string }) => grant.pattern)).toEqual(['robots/b']);
  });
});

describe('a robot', () => {
  it('gets a new key; the old one is revoked and its sessions are cut', async () => {
    const { key } = await gateway.robots.create({ id: 'spinner' }, 'test');
    const { status, body } = await admin.client.post('/v1/robots/spinner/rotate-key');
    expect(status).toBe(200);
    expect(body.key).toMatch(/^rk_[\w-]{43}$/);
    expect(body.key).not.toBe(key);
    expect(body.dotenv).toContain(`ROBOT_KEY=${body.key}`);
    await admin.client.call('PATCH', '/v1/robots/spinner', { disabled: true });
    await admin.client.call('PATCH', '/v1/robots/spinner', { disabled: true, name: 'Spinner' });
    await admin.client.delete('/v1/robots/spinner');
    expect(await gateway.revocationsOf('robot', 'spinner')).toEqual([
      'the key was rotated',
      'the robot was disabled',
      'the robot was deleted',
    ]);
  });
});

describe('everybody but an admin', () => {
  it.each(['operator', 'viewer', 'service'] as const)(
    'as %s sees and changes nobody but oneself',
    async (role) => {
      const person = await gateway.person(role);
      const victim = await gateway.person('viewer');
      const robot = `bola-${role}`;
      await gateway.robots.create({ id: robot }, 'test');
      const group = (await admin.client.post('/v1/user-groups', { name: `bola-${role}` })).body;
      const grant = (
        await admin.client.post(`/v1/users/${victim.id}/grants`, { action: 'read', pattern: 'x' })
      ).body;
      const key = (await admin.client.post(`/v1/users/${victim.id}/keys`, { name: 'k' })).body;
      const ask = async (method: string, path: string, body?: object): Promise<number> =>
        (await person.client.call(method, path, body)).status;
      const hidden: [string, string, object?][] = [
        ['GET', `/v1/users/${victim.id}`],
        ['PATCH', `/v1/users/${victim.id}`, { password: 'another password' }],
        ['PATCH', `/v1/users/${victim.id}`, { role: 'admin' }],
        ['DELETE', `/v1/users/${victim.id}`],
        ['POST', `/v1/users/${victim.id}/revoke`, {}],
        ['GET', `/v1/users/${victim.id}/grants`],
        ['POST', `/v1/users/${victim.id}/grants`, { action: 'read', pattern: 'x' }],
        ['DELETE', `/v1/users/${victim.id}/grants/${grant.id}`],
        ['GET', `/v1/users/${victim.id}/keys`],
        ['POST', `/v1/users/${victim.id}/keys`, { name: 'x' }],
        ['DELETE', `/v1/users/${victim.id}/keys/${key.id}`],
        ['GET', `/v1/users/${victim.id}/views`],
        ['POST', `/v1/robots/${robot}/rotate-key`],
      ];
      for (const [method, path, body] of hidden)
        expect([method, path, await ask(method, path, body)]).toEqual([method, path, 404]);
      const forbidden: [string, string, object?][] = [
        ['GET', '/v1/users'],
        ['POST', '/v1/users', { username: 'mine', role: 'admin' }],
        ['PATCH', `/v1/users/${person.id}`, { role: 'admin' }],
        ['PATCH', `/v1/users/${person.id}`, { disabled: true }],
        ['PATCH', `/v1/users/${person.id}`, { username: 'other' }],
        ['DELETE', `/v1/users/${person.id}`],
        ['POST', `/v1/users/${person.id}/revoke`, {}],
        ['POST', `/v1/users/${person.id}/grants`, { action: 'control', pattern: 'robots/**' }],
        ['POST', `/v1/users/${person.id}/keys`, { name: 'x' }],
        ['GET', '/v1/user-groups'],
        ['POST', '/v1/user-groups', { name: 'mine' }],
        ['GET', `/v1/user-groups/${group.id}`],
        ['DELETE', `/v1/user-groups/${group.id}`],
        ['GET', `/v1/user-groups/${group.id}/members`],
        ['PUT', `/v1/user-groups/${group.id}/members/${person.id}`],
        ['DELETE', `/v1/user-groups/${group.id}/members/${person.id}`],
        ['GET', `/v1/user-groups/${group.id}/grants`],
        ['POST', `/v1/user-groups/${group.id}/grants`, { action: 'read', pattern: 'x' }],
      ];
      for (const [method, path, body] of forbidden)
        expect([method, path, await ask(method, path, body)]).toEqual([method, path, 403]);
      for (const own of ['', '/grants', '/keys', '/views'])
        expect(await ask('GET', `/v1/users/${person.id}${own}`)).toBe(200);
    },
  );

  it('without a login gets nowhere', async () => {
    const anyone = new RestClient(gateway.url);
    for (const path of [
      '/v1/users',
      `/v1/users/${admin.id}`,
      '/v1/user-groups',
      `/v1/users/${admin.id}/keys`,
    ])
      expect((await anyone.get(path)).status).toBe(401);
  });
});

describe('what is not there', () => {
  const id = randomUUID();

  it.each([
    ['GET', `/v1/users/${id}`],
    ['PATCH', `/v1/users/${id}`],
    ['DELETE', `/v1/users/${id}`],
    ['POST', `/v1/users/${id}/revoke`],
    ['GET', `/v1/users/${id}/grants`],
    ['GET', `/v1/users/${id}/keys`],
    ['GET', `/v1/user-groups/${id}`],
    ['DELETE', `/v1/user-groups/${id}`],
    ['GET', `/v1/user-groups/${id}/members`],
    ['GET', `/v1/user-groups/${id}/grants`],
    ['PUT', `/v1/user-groups/${id}/members/${id}`],
    ['DELETE', `/v1/user-groups/${id}/members/${id}`],
    ['POST', '/v1/robots/nobody/rotate-key'],
  ])('%s %s is 404 for an admin', async (method, path) => {
    const body = method === 'PATCH' || path.endsWith('revoke') ? {} : undefined;
    expect((await admin.client.call(method, path, body)).status).toBe(404);
  });

  it.each([
    '/v1/users/x',
    '/v1/users/%00',
    '/v1/users?cursor=%00',
    '/v1/user-groups/x/members',
    `/v1/users/${id}/grants?cursor=x`,
    '/v1/users?limit=0',
    '/v1/users?limit=501',
  ])('%s is 400', async (path) => {
    expect((await admin.client.get(path)).status).toBe(400);
  });
});
