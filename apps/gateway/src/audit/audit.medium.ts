import { RestClient } from '../../../../test/e2e/support/client';
import { TestGateway, type Person } from '../test-gateway';

jest.setTimeout(40_000);

let gateway: TestGateway;
let admin: Person;
let people: Person[];

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin', { name: 'admin' });
  people = await Promise.all(
    (['operator', 'viewer', 'service'] as const).map((role) => gateway.person(role)),
  );
});
afterAll(() => gateway?.stop());

describe('the audit log', () => {
  it('is for admins', async () => {
    for (const { client } of people) expect((await client.get('/v1/audit')).status).toBe(403);
    expect((await new RestClient(gateway.url).get('/v1/audit')).status).toBe(401);
  });

  it('comes newest first, in pages', async () => {
    for (const id of ['a1', 'a2', 'a3']) await admin.client.post('/v1/user-groups', { name: id });
    const first = (await admin.client.get('/v1/audit?limit=2')).body;
    expect(first.items.map((one: { target: string }) => one.target)).toEqual([
      'user-group:a3',
      'user-group:a2',
    ]);
    expect(first.items[0]).toEqual({
      id: expect.any(String),
      at: expect.any(String),
      actor: 'admin',
      action: 'user-group.create',
      target: 'user-group:a3',
      outcome: 'ok',
      details: {},
    });
    const second = (await admin.client.get(`/v1/audit?limit=2&cursor=${first.nextCursor}`)).body;
    expect(second.items[0].target).toBe('user-group:a1');
  });

  it('is filtered by actor, action and target', async () => {
    const ask = async (query: string): Promise<any[]> =>
      (await admin.client.get(`/v1/audit?limit=500&${query}`)).body.items;
    expect((await ask('actor=test')).every(({ actor }) => actor === 'test')).toBe(true);
    expect((await ask('action=user.create')).length).toBe(4);
    expect((await ask(`actor=test&action=user.create&target=${people[0].username}`)).length).toBe(1);
    expect(await ask(`target=${encodeURIComponent("' OR 1=1 --")}`)).toEqual([]);
  });

  it.each(['cursor=x', 'cursor=99999999999999999999', 'limit=0', 'actor=', 'actor=%00', 'who=me'])(
    'is not asked for with %s',
    async (query) => expect((await admin.client.get(`/v1/audit?${query}`)).status).toBe(400),
  );
});

describe('an explanation', () => {
  const ask = async (person: Person, query: Record<string, string>) =>
    person.client.get(`/v1/access/explain?${new URLSearchParams(query).toString()}`);

  it('names the rule that decides, of a group too, and all that were considered', async () => {
    const person = await gateway.person('viewer', {
      grants: [
        { action: 'control', pattern: 'robots/r1' },
        { action: 'read', pattern: 'robots/r2', expiresAt: new Date('2020-01-01') },
        { action: 'read', pattern: 'robots/r3', addressRanges: ['192.0.2.0/24'] },
      ],
    });
    const group = (await admin.client.post('/v1/user-groups', { name: 'explained' })).body;
    const grant = (
      await admin.client.post(`/v1/user-groups/${group.id}/grants`, {
        action: 'read',
        pattern: 'robots/r1/**',
      })
    ).body;
    await admin.client.call('PUT', `/v1/user-groups/${group.id}/members/${person.id}`);
    const question = { user: person.username, action: 'read', path: 'robots/r1' };
    for (const asker of [admin, person]) {
      const { status, body } = await ask(asker, question);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        ...question,
        allow: true,
        reason: 'GRANTED',
        rule: { id: grant.id, action: 'read', pattern: 'robots/r1/**', group: 'explained' },
      });
      const outcomes = body.considered.map((one: { pattern: string; outcome: string }) => [
        one.pattern,
        one.outcome,
      ]);
      expect(Object.fromEntries(outcomes)).toEqual({
        'robots/r1': 'OTHER_ACTION',
        'robots/r2': 'OTHER_PATH',
        'robots/r3': 'OTHER_PATH',
        'robots/r1/**': 'COVERS',
      });
    }
    expect((await ask(admin, { ...question, path: 'robots/r2' })).body).toMatchObject({
      allow: false,
      reason: 'GRANT_EXPIRED',
      rule: { pattern: 'robots/r2' },
    });
    const r3 = { ...question, path: 'robots/r3' };
    expect((await ask(admin, r3)).body).toMatchObject({ allow: false });
    expect((await ask(admin, { ...r3, address: '192.0.2.7' })).body).toMatchObject({ allow: true });
    expect((await ask(admin, { ...r3, address: '203.0.113.7' })).body).toMatchObject({ allow: false });
    await admin.client.call('PATCH', `/v1/users/${person.id}`, { disabled: true });
    const disabled = (await ask(admin, question)).body;
    expect(disabled).toMatchObject({ allow: false, reason: 'DISABLED' });
    expect(disabled.rule).toBeUndefined();
  });

  it('about others is for admins, whether they are there or not', async () => {
    for (const person of people) {
      for (const user of ['admin', 'nobody'])
        expect((await ask(person, { user, action: 'read', path: 'x' })).status).toBe(403);
    }
    expect((await ask(admin, { user: 'nobody', action: 'read', path: 'x' })).status).toBe(404);
    expect((await ask(admin, { user: 'admin', action: 'publish', path: 'x' })).body).toMatchObject({
      allow: true,
      reason: 'ADMIN',
    });
  });

  it.each([
    ['user', { action: 'read', path: 'x' }],
    ['action', { user: 'admin', path: 'x' }],
    ['action', { user: 'admin', action: 'fly', path: 'x' }],
    ['path', { user: 'admin', action: 'read' }],
    ['path', { user: 'admin', action: 'read', path: '../x' }],
    ['address', { user: 'admin', action: 'read', path: 'x', address: 'here' }],
  ])('without a good %s is refused by its name', async (field, query) => {
    const { status, body } = await ask(admin, query);
    expect(status).toBe(400);
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  });
});
