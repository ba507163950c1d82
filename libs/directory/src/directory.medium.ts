import { deriveKeys, hashSecret, PasswordPool } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { randomUUID } from 'node:crypto';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { Robots } from './robots';
import { Users } from './users';

const PASSWORD = 'c4n4ry-password';
const KEYS = deriveKeys('k'.repeat(32));

describe('the directory', () => {
  const passwords = new PasswordPool(1, 100);
  let database: TestDatabase;
  let users: Users;
  let robots: Robots;
  let made = 0;

  beforeAll(async () => {
    database = await aDatabase();
    users = new Users(database.source, passwords);
    robots = new Robots(database.source, KEYS);
  });
  afterAll(async () => {
    await passwords.close();
    await database.drop();
  });

  const newName = (prefix: string): string => `${prefix}${(made += 1)}`;
  const aUser = (change: Partial<Parameters<Users['create']>[0]> = {}) =>
    users.create({ username: newName('user'), password: null, role: 'viewer', ...change }, 'test');
  const aRobot = (change: Partial<Parameters<Robots['create']>[0]> = {}) =>
    robots.create({ id: newName('r'), ...change }, 'test');
  const auditOf = (target: string) =>
    database.source.query<{ actor: string; action: string; outcome: string; details: unknown }[]>(
      'SELECT actor, action, outcome, details FROM audit_events WHERE target = $1 ORDER BY id',
      [target],
    );
  const grantsOf = async (username: string): Promise<string[]> =>
    ((await users.accountNamed(username))?.grants ?? []).map((g) => `${g.action} ${g.pattern}`).sort();
  const refusal = async (act: Promise<unknown>): Promise<DomainError> => {
    const error = await act.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DomainError);
    return error as DomainError;
  };

  describe('of users', () => {
    it('keeps a user with a hash, and says who made it', async () => {
      const user = await aUser({ password: PASSWORD, role: 'operator' });
      const account = await users.accountNamed(user.username);
      expect(account).toEqual({ ...user, passwordHash: expect.stringMatching(/^\$argon2id\$/), grants: [] });
      expect(await users.accountWithId(user.id)).toEqual(account);
      expect(await auditOf(user.username)).toEqual([
        { actor: 'test', action: 'user.create', outcome: 'ok', details: { role: 'operator' } },
      ]);
    });

    it.each([
      ['username', { username: '' }],
      ['username', { username: '-x' }],
      ['username', { username: 'a b' }],
      ['username', { username: 'a:b' }],
      ['username', { username: 'a\0b' }],
      ['username', { username: 'x'.repeat(65) }],
      ['username', { username: 'саm' }],
      ['role', { role: 'god' as never }],
      ['role', { role: undefined as never }],
      ['password', { password: '1234567' }],
      ['password', { password: 'x'.repeat(257) }],
    ])('names a bad %s', async (field, change) => {
      const error = await refusal(aUser(change));
      expect([error.code, error.fields[0].field]).toEqual(['INVALID_INPUT', field]);
    });

    it('refuses a name that is taken, and leaves no trace of the attempt', async () => {
      const { username } = await aUser();
      expect((await refusal(aUser({ username }))).code).toBe('CONFLICT');
      expect(await auditOf(username)).toHaveLength(1);
    });

    it('lets one of ten have a name', async () => {
      const username = newName('user');
      const all = await Promise.allSettled(Array.from({ length: 10 }, () => aUser({ username })));
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('grants, and grants again only moves the end', async () => {
      const { username } = await aUser();
      const expiresAt = new Date('2030-01-01T00:00:00Z');
      await users.grant(username, { action: 'read', pattern: 'robots/*' }, 'test');
      await users.grant(username, { action: 'read', pattern: 'robots/*', expiresAt }, 'test');
      expect((await users.accountNamed(username))?.grants).toEqual([
        { id: expect.any(String), action: 'read', pattern: 'robots/*', expiresAt: expiresAt.getTime() },
      ]);
      expect((await auditOf(username)).map(({ action }) => action)).toEqual([
        'user.create',
        'grant.create',
        'grant.create',
      ]);
    });

    it.each([
      ['pattern', { action: 'read', pattern: 'robots/r*' }],
      ['pattern', { action: 'read', pattern: '~^robots' }],
      ['pattern', { action: 'read', pattern: '' }],
      ['action', { action: 'fly', pattern: 'robots/**' }],
      ['action', { action: undefined, pattern: 'robots/**' }],
    ])('names a bad %s of a grant', async (field, grant) => {
      const { username } = await aUser();
      const error = await refusal(users.grant(username, grant as never, 'test'));
      expect([error.code, error.fields[0].field]).toEqual(['INVALID_INPUT', field]);
    });

    it('disables once: the first moment counts', async () => {
      const { username } = await aUser();
      await users.disable(username, 'test');
      const first = (await users.accountNamed(username))?.disabledAt;
      await users.disable(username, 'test');
      expect(first).toBeInstanceOf(Date);
      expect((await users.accountNamed(username))?.disabledAt).toEqual(first);
    });

    it('changes a password', async () => {
      const { username } = await aUser({ password: PASSWORD });
      const before = (await users.accountNamed(username))?.passwordHash;
      await users.setPassword(username, 'another-one', 'test');
      const after = (await users.accountNamed(username))?.passwordHash as string;
      expect(after).not.toBe(before);
      expect(await passwords.verify(after, 'another-one')).toBe(true);
    });

    it.each([
      ['disable', () => users.disable('nobody', 'test')],
      ['set the password of', () => users.setPassword('nobody', PASSWORD, 'test')],
      ['grant to', () => users.grant('nobody', { action: 'read', pattern: 'x' }, 'test')],
    ])('cannot %s somebody who is not there, and records nothing', async (_what, act) => {
      expect((await refusal(act())).code).toBe('NOT_FOUND');
      expect(await auditOf('nobody')).toEqual([]);
      expect(await users.accountNamed('nobody')).toBeUndefined();
    });
  });

  describe('of robots', () => {
    it('registers one with a key that it stores hashed, and gives its owner rights', async () => {
      const owner = await aUser();
      const { robot, key } = await aRobot({ ownerId: owner.id, cameras: ['main', 'front'] });
      expect(robot).toMatchObject({ kind: 'agent', name: robot.id, ownerId: owner.id, legacyTopic: null });
      expect(key).toMatch(/^rk_[\w-]{43}$/);
      const keys = await database.source.query<{ hash: Buffer }[]>(
        'SELECT hash FROM stream_keys WHERE robot_id = $1',
        [robot.id],
      );
      expect(keys).toEqual([{ hash: hashSecret(KEYS, key) }]);
      expect(await grantsOf(owner.username)).toEqual([
        `control robots/${robot.id}/**`,
        `read robots/${robot.id}/**`,
      ]);
      expect(await robots.find(robot.id)).toEqual(robot);
      expect((await auditOf(robot.id))[0]).toMatchObject({
        action: 'robot.create',
        details: { kind: 'agent' },
      });
    });

    it('registers one of the older kind with its topic', async () => {
      const { robot } = await aRobot({ kind: 'legacy', legacyTopic: 'robot/stream' });
      expect(robot).toMatchObject({ kind: 'legacy', legacyTopic: 'robot/stream' });
    });

    it.each([
      ['id', { id: 'a/b' }],
      ['id', { id: '' }],
      ['id', { id: 'a\0b' }],
      ['cameras', { cameras: [] }],
      ['cameras', { cameras: ['a', 'a'] }],
      ['cameras', { cameras: ['a/b'] }],
      ['cameras', { cameras: Array.from({ length: 17 }, (_, n) => `c${n}`) }],
      ['legacyTopic', { kind: 'legacy' as const }],
      ['legacyTopic', { legacyTopic: 'robot/stream' }],
      ['legacyTopic', { kind: 'legacy' as const, legacyTopic: 'robot/#' }],
      ['legacyTopic', { kind: 'legacy' as const, legacyTopic: 'robot/+/x' }],
      ['legacyTopic', { kind: 'legacy' as const, legacyTopic: 'rc/v1/robots/r1/cmd/stream' }],
      ['legacyTopic', { kind: 'legacy' as const, legacyTopic: `robot/${'x'.repeat(300)}` }],
      ['ownerId', { ownerId: randomUUID() }],
    ])('names a bad %s', async (field, change) => {
      const error = await refusal(aRobot(change));
      expect([error.code, error.fields[0]?.field]).toEqual(['INVALID_INPUT', field]);
    });

    it('refuses an id that is taken, and leaves no trace of the attempt', async () => {
      const owner = await aUser();
      const { robot } = await aRobot();
      expect((await refusal(aRobot({ id: robot.id, ownerId: owner.id }))).code).toBe('CONFLICT');
      expect(await auditOf(robot.id)).toHaveLength(1);
      expect(await grantsOf(owner.username)).toEqual([]);
    });

    it('says so when it is the key that is taken', async () => {
      const { key } = await aRobot();
      const error = await refusal(aRobot({ key }));
      expect(error.code).toBe('CONFLICT');
      expect(error.message).toContain('key');
      expect(error.message).not.toContain(key);
    });

    it('changes what is given and leaves the rest', async () => {
      const { robot } = await aRobot({ cameras: ['main'] });
      const off = await robots.update(robot.id, { disabled: true, name: 'Rover' }, 'test');
      expect(off).toEqual({ ...robot, name: 'Rover', disabledAt: expect.any(Date) });
      expect((await robots.update(robot.id, { disabled: true }, 'test')).disabledAt).toEqual(off.disabledAt);
      const on = await robots.update(robot.id, { disabled: false, cameras: ['front'] }, 'test');
      expect(on).toEqual({ ...robot, name: 'Rover', cameras: ['front'] });
      expect((await refusal(robots.update(robot.id, { cameras: [] }, 'test'))).fields[0].field).toBe(
        'cameras',
      );
    });

    it('rotates a key: one is good, the others are revoked', async () => {
      const { robot, key } = await aRobot();
      const next = await robots.rotateKey(robot.id, 'test');
      expect(next).not.toBe(key);
      const good = await database.source.query<{ hash: Buffer }[]>(
        'SELECT hash FROM stream_keys WHERE robot_id = $1 AND revoked_at IS NULL',
        [robot.id],
      );
      expect(good).toEqual([{ hash: hashSecret(KEYS, next) }]);
      expect((await auditOf(robot.id)).map(({ action }) => action)).toEqual([
        'robot.create',
        'robot.rotate-key',
      ]);
    });

    it('has one good key after ten rotations at a time', async () => {
      const { robot } = await aRobot();
      await Promise.all(Array.from({ length: 10 }, () => robots.rotateKey(robot.id, 'test')));
      const good = await database.source.query(
        'SELECT 1 FROM stream_keys WHERE robot_id = $1 AND revoked_at IS NULL',
        [robot.id],
      );
      expect(good).toHaveLength(1);
    });

    it('removes one with its keys and the rights to it', async () => {
      const owner = await aUser();
      const { robot } = await aRobot({ ownerId: owner.id });
      await robots.remove(robot.id, 'test');
      expect(await robots.find(robot.id)).toBeUndefined();
      expect(await grantsOf(owner.username)).toEqual([]);
      expect((await auditOf(robot.id)).at(-1)?.action).toBe('robot.delete');
    });

    it('notes that it was seen, without a word in the audit', async () => {
      const { robot } = await aRobot();
      await robots.seen(robot.id);
      expect((await robots.find(robot.id))?.lastSeenAt).toBeInstanceOf(Date);
      expect(await auditOf(robot.id)).toHaveLength(1);
    });

    it.each([
      ['update', () => robots.update('nobody', { name: 'x' }, 'test')],
      ['remove', () => robots.remove('nobody', 'test')],
      ['rotate', () => robots.rotateKey('nobody', 'test')],
    ])('cannot %s one that is not there', async (_what, act) => {
      expect((await refusal(act())).code).toBe('NOT_FOUND');
      expect(await auditOf('nobody')).toEqual([]);
    });

    it('lists pages by id, each once', async () => {
      const seen: string[] = [];
      for (let after: string | null = null; ;) {
        const page = await robots.list({ limit: 3, after });
        seen.push(...page.map(({ id }) => id));
        if (page.length < 3) break;
        after = page.at(-1)?.id ?? null;
      }
      const [{ count }] = await database.source.query<{ count: string }[]>('SELECT count(*) FROM robots');
      expect(new Set(seen).size).toBe(Number(count));
      expect(seen).toHaveLength(Number(count));
    });
  });

  it('changes nothing when the audit cannot be written', async () => {
    const { robot } = await aRobot();
    const { username } = await aUser();
    await database.source.query('ALTER TABLE audit_events RENAME TO audit_gone');
    try {
      await expect(robots.rotateKey(robot.id, 'test')).rejects.toThrow();
      await expect(robots.remove(robot.id, 'test')).rejects.toThrow();
      await expect(users.disable(username, 'test')).rejects.toThrow();
      await expect(aUser({ username: 'unrecorded' })).rejects.toThrow();
    } finally {
      await database.source.query('ALTER TABLE audit_gone RENAME TO audit_events');
    }
    expect(await robots.find(robot.id)).toBeDefined();
    expect(await auditOf(robot.id)).toHaveLength(1);
    expect((await users.accountNamed(username))?.disabledAt).toBeNull();
    expect(await users.accountNamed('unrecorded')).toBeUndefined();
  });

  it('keeps no password and no key in the audit', async () => {
    const { username } = await aUser({ password: PASSWORD });
    await users.setPassword(username, `${PASSWORD}2`, 'test');
    const { robot, key } = await aRobot();
    const next = await robots.rotateKey(robot.id, 'test');
    const [{ text }] = await database.source.query<{ text: string }[]>(
      `SELECT string_agg(a::text, ' ') AS text FROM audit_events a`,
    );
    for (const secret of [PASSWORD, key, next, '$argon2id']) expect(text).not.toContain(secret);
  });
});
