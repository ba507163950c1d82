import { deriveKeys, PasswordPool } from '@rovercast/access';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { Grants } from './grants';
import { findRevocation } from './revocations';
import { Robots } from './robots';
import { StreamKeys } from './stream-keys';
import { TicketFamilies } from './ticket-families';
import { UserGroups } from './user-groups';
import { Users, type User } from './users';

const KEYS = deriveKeys('k'.repeat(32));

describe('taking rights away', () => {
  const passwords = new PasswordPool(1, 100);
  let database: TestDatabase;
  let users: Users;
  let grants: Grants;
  let groups: UserGroups;
  let keys: StreamKeys;
  let families: TicketFamilies;
  let robots: Robots;
  let made = 0;

  beforeAll(async () => {
    database = await aDatabase();
    users = new Users(database.source, passwords);
    grants = new Grants(database.source);
    groups = new UserGroups(database.source);
    keys = new StreamKeys(database.source, KEYS);
    families = new TicketFamilies(database.source);
    robots = new Robots(database.source, KEYS);
  });
  afterAll(async () => {
    await passwords.close();
    await database.drop();
  });

  const aUser = (): Promise<User> =>
    users.create({ username: `u${(made += 1)}`, password: null, role: 'viewer' }, 'test');
  const count = async (table: string): Promise<number> =>
    (await database.source.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM ${table}`))[0].n;
  const ticketOf = (user: User) =>
    families.open({ path: 'robots/r1', action: 'read', expiresAt: new Date(Date.now() + 60_000) }, user);

  it('happens with its audit line and its revocation, or not at all', async () => {
    const user = await aUser();
    const grant = await grants.add(
      { kind: 'user', id: user.id },
      { action: 'read', pattern: 'robots/**' },
      'test',
    );
    const key = await keys.create(user.id, { name: 'k', expiresAt: null }, 'test');
    const family = await ticketOf(user);
    const group = await groups.create('crew', 'test');
    await groups.addMember(group.id, user.id, 'test');
    const { robot } = await robots.create({ id: 'r1' }, 'test');
    const takeAway = (): Promise<unknown>[] => [
      users.remove(user.id, 'test'),
      users.update(user.id, { disabled: true }, 'test'),
      users.revoke(user.id, { actor: 'test', reason: 'x' }),
      grants.remove({ kind: 'user', id: user.id }, grant.id, 'test'),
      keys.revoke(user.id, key.id, 'test'),
      families.revoke(family.id, 'test'),
      groups.removeMember(group.id, user.id, 'test'),
      groups.remove(group.id, 'test'),
      robots.update(robot.id, { disabled: true }, 'test'),
    ];
    const before = await count('revocations');
    for (const table of ['audit_events', 'revocations']) {
      await database.source.query(`ALTER TABLE ${table} RENAME TO gone`);
      const outcomes = await Promise.allSettled(takeAway());
      await database.source.query(`ALTER TABLE gone RENAME TO ${table}`);
      const passed = outcomes.filter(({ status }) => status === 'fulfilled').length;
      // A group without grants goes without a revocation.
      expect(passed).toBe(table === 'revocations' ? 1 : 0);
    }
    expect(await count('revocations')).toBe(before);
    expect((await users.accountWithId(user.id))?.grants).toHaveLength(1);
    expect((await users.find(user.id))?.disabledAt).toBeNull();
    expect(await keys.list(user.id, { limit: 5, after: null })).toHaveLength(1);
    expect((await families.find(family.id))?.revokedAt).toBeNull();
    expect((await robots.find(robot.id))?.disabledAt).toBeNull();
  });

  it('is announced when it is committed', async () => {
    const user = await aUser();
    const id = await users.remove(user.id, 'test');
    expect(await findRevocation(database.source, id)).toMatchObject({
      kind: 'user',
      subject: user.username,
      requestedBy: 'test',
      verifiedAt: null,
      receipt: [],
    });
    expect(await findRevocation(database.source, user.id)).toBeUndefined();
  });

  it('ends only the tickets that could not be handed out any more', async () => {
    const user = await aUser();
    const [one, two] = await Promise.all(
      ['robots/r1', 'robots/*'].map((pattern) =>
        grants.add({ kind: 'user', id: user.id }, { action: 'read', pattern }, 'test'),
      ),
    );
    const family = await ticketOf(user);
    await grants.remove({ kind: 'user', id: user.id }, one.id, 'test');
    expect((await families.find(family.id))?.revokedAt).toBeNull();
    await grants.remove({ kind: 'user', id: user.id }, two.id, 'test');
    expect((await families.find(family.id))?.revokedAt).toBeInstanceOf(Date);
  });

  it('does not lock up when everybody changes everything at once', async () => {
    const people = await Promise.all(Array.from({ length: 4 }, aUser));
    const shared = await Promise.all(['g1', 'g2'].map((name) => groups.create(name, 'test')));
    const acts = Array.from({ length: 120 }, (_, n) => {
      const user = people[n % people.length];
      const group = shared[n % shared.length];
      const pattern = `robots/r${n % 3}`;
      return [
        () => grants.add({ kind: 'user', id: user.id }, { action: 'read', pattern }, 'test'),
        () => grants.add({ kind: 'group', id: group.id }, { action: 'read', pattern }, 'test'),
        () => groups.addMember(group.id, user.id, 'test'),
        () => users.update(user.id, { disabled: n % 2 === 0 }, 'test'),
        () => users.revoke(user.id, { actor: 'test', reason: 'x' }),
        () => keys.create(user.id, { name: 'k', expiresAt: null }, 'test'),
        () => ticketOf(user),
        () => groups.removeMember(group.id, user.id, 'test'),
      ][n % 8];
    });
    const outcomes = await Promise.allSettled(acts.map((act) => act()));
    const problems = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code] : [],
    );
    expect(problems.filter((code) => code !== 'NOT_FOUND')).toEqual([]);
  });
});
