import { deriveKeys, hashSecret, PasswordPool } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { Robots, Users } from '@rovercast/directory';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aDatabase, type TestDatabase } from '../../../../test/support/database';
import { runCommand, USAGE } from './commands';

const PASSWORD = 'c4n4ry-password';
const KEYS = deriveKeys('k'.repeat(32));
const KEY = `rk_${'a'.repeat(43)}`;

describe('the command line', () => {
  const passwords = new PasswordPool(1, 50);
  let database: TestDatabase;
  let users: Users;
  let robots: Robots;

  beforeAll(async () => {
    database = await aDatabase({ empty: true });
    users = new Users(database.source, passwords);
    robots = new Robots(database.source, KEYS);
  });
  afterAll(async () => {
    await passwords.close();
    await database.drop();
  });

  /** Runs a command as a person would type it, and answers what it printed. */
  async function run(command: string | string[], input = ''): Promise<string> {
    const printed: string[] = [];
    await runCommand(Array.isArray(command) ? command : command.split(' '), {
      database: database.source,
      users,
      robots,
      readInput: () => Promise.resolve(input),
      print: (line) => printed.push(line),
      broker: {
        databaseUrl: database.url,
        accounts: ['gateway:the-secret-of-the-gateway'],
        until: AbortSignal.timeout(10_000),
      },
    });
    return printed.join('\n');
  }
  async function complaint(command: string | string[], input = ''): Promise<string> {
    const error = await run(command, input).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DomainError);
    return (error as DomainError).message;
  }
  const grantsOf = async (name: string): Promise<string[]> =>
    ((await users.accountNamed(name))?.grants ?? []).map((g) => `${g.action} ${g.pattern}`).sort();
  const count = async (table: string): Promise<number> =>
    Number((await database.source.query<{ n: string }[]>(`SELECT count(*) AS n FROM ${table}`))[0].n);

  it('brings the tables up to date, once', async () => {
    expect(await run('migrate')).toMatch(/^ran FirstTables/);
    expect(await run('migrate')).toBe('nothing to do');
  });

  it('adds a user whose password comes by standard input, and prints no password', async () => {
    const printed = await run('user add eve --role viewer', PASSWORD);
    expect(printed).toBe('user eve (viewer) added');
    const { passwordHash } = (await users.accountNamed('eve'))!;
    expect(await passwords.verify(passwordHash, PASSWORD)).toBe(true);
  });

  it('changes a password', async () => {
    expect(await run('user password eve', 'another-password')).toBe('password changed');
    const { passwordHash } = (await users.accountNamed('eve'))!;
    expect(await passwords.verify(passwordHash, 'another-password')).toBe(true);
  });

  it('grants', async () => {
    expect(await run(['grant', 'add', 'eve', 'read', 'robots/r1/**'])).toBe('eve may read robots/r1/**');
    expect(await grantsOf('eve')).toEqual(['read robots/r1/**']);
  });

  it('adds a robot, shows its key this once, and gives its owner rights', async () => {
    const printed = await run('robot add r1 --name Rover --camera main --camera front --owner eve');
    const key = /^key: (rk_\S{43})$/m.exec(printed)?.[1] as string;
    expect(printed).toContain('shown this once');
    expect(await robots.find('r1')).toMatchObject({
      name: 'Rover',
      cameras: ['main', 'front'],
      kind: 'agent',
    });
    const rows = await database.source.query<{ hash: Buffer }[]>(
      `SELECT hash FROM stream_keys WHERE robot_id = 'r1'`,
    );
    expect(rows).toEqual([{ hash: hashSecret(KEYS, key) }]);
    expect(await grantsOf('eve')).toContain('control robots/r1/**');
  });

  it('adds a robot of the older kind', async () => {
    await run('robot add old --legacy-topic robot/stream');
    expect(await robots.find('old')).toMatchObject({ kind: 'legacy', legacyTopic: 'robot/stream' });
  });

  it('rotates a key', async () => {
    expect(await run('robot rotate-key r1')).toMatch(/^key: rk_/);
  });

  it('explains who may do what, rule by rule', async () => {
    await run('user add guard --role viewer', PASSWORD);
    const ranges = { addressRanges: ['192.0.2.0/24'] };
    await users.grant('guard', { action: 'read', pattern: 'robots/r1/**', ...ranges } as never, 'test');
    await users.grant('guard', { action: 'control', pattern: 'robots/r1' }, 'test');
    const question = 'access explain --user guard --action read --path robots/r1/front';
    const [verdict, ...rules] = (await run(`${question} --address 192.0.2.9`)).split('\n');
    expect(verdict).toMatch(
      /^guard \(viewer\) may read robots\/r1\/front from 192\.0\.2\.9: GRANTED by grant [\w-]{36}$/,
    );
    expect(rules.toSorted()).toEqual([
      expect.stringMatching(/^ {2}OTHER_ACTION {2}control robots\/r1 {2}\[/),
      expect.stringMatching(/^\* COVERS {8}read robots\/r1\/\*\*, from 192\.0\.2\.0\/24 {2}\[/),
    ]);
    expect(await run(`${question} --address 192.0.3.9`)).toMatch(
      /may not read .*: ADDRESS_NOT_ALLOWED by grant/,
    );
    expect(await run(question)).toMatch(/may not read robots\/r1\/front: ADDRESS_NOT_ALLOWED/);
    expect(await complaint('access explain --user guard --action read')).toContain('needs --user');
    expect(await complaint('access explain --user guard --action fly --path a')).toContain('action must be');
    expect(await complaint('access explain --user guard --action read --path a//b')).toContain('is no path');
    expect(await complaint('access explain --user ghost --action read --path a')).toBe(
      'there is no user ghost',
    );
  });

  it('writes the files of Mosquitto, for the owner only, and says whose key is too old', async () => {
    const out = await mkdtemp(join(tmpdir(), 'rovercast-cli-'));
    try {
      await run('robot add fresh');
      await database.source.query(`UPDATE stream_keys SET broker_verifier = NULL WHERE robot_id = 'old'`);
      expect(await run(['broker', 'mosquitto', '--out', out])).toMatch(
        /^\d logins written\nleft out until .*: old$/,
      );
      const passwords = await readFile(join(out, 'passwords'), 'utf8');
      expect(passwords).toMatch(/^gateway:\$7\$101\$.*\n(.*\n)*fresh:\$7\$101\$/);
      expect(passwords).not.toMatch(/^old:/m);
      expect((await stat(join(out, 'passwords'))).mode & 0o777).toBe(0o600);
      expect(await complaint('broker mosquitto')).toContain('needs --out');
      expect(await complaint(['broker', 'mosquitto', '--out', out, '--pid', '1'])).toContain('--pid');
    } finally {
      await rm(out, { recursive: true });
    }
  });

  it('disables a user', async () => {
    expect(await run('user disable eve')).toBe('user disabled');
    expect((await users.accountNamed('eve'))?.disabledAt).toBeInstanceOf(Date);
  });

  it.each<[string, string | string[], string, string?]>([
    ['nothing at all', [], USAGE],
    ['an unknown command', 'make coffee', USAGE],
    ['an unknown verb', 'user fly eve', USAGE],
    ['an unknown option', 'user add eve --password x', '--password'],
    ['no name', 'user add --role viewer', 'NAME is missing'],
    ['no robot', 'robot rotate-key', 'ID is missing'],
    ['no role', 'user add bob', 'role must be one of', PASSWORD],
    ['a bad role', 'user add bob --role god', 'role must be one of', PASSWORD],
    ['no password', 'user add bob --role viewer', 'password must have'],
    ['a name that is taken', 'user add eve --role viewer', 'there is a user eve already', PASSWORD],
    ['a bad name', 'user add b:b --role viewer', 'username must be', PASSWORD],
    ['a bad right', 'grant add eve fly robots/**', 'action must be one of'],
    ['a bad pattern', 'grant add eve read robots/r*', 'pattern must be'],
    ['half a grant', 'grant add eve read', 'needs NAME, ACTION and PATTERN'],
    ['a grant to nobody', 'grant add nobody read x', 'there is no user nobody'],
    ['nobody to disable', 'user disable nobody', 'there is no user nobody'],
    ['an owner who is not there', 'robot add r9 --owner nobody', 'there is no user nobody'],
    ['a bad topic', 'robot add r9 --legacy-topic rc/v1/x', 'legacyTopic must begin with'],
    ['a robot that is not there', 'robot rotate-key r99', 'there is no robot r99'],
  ])('says in words what is wrong with %s', async (_what, command, expected, ...[input]) => {
    expect(await complaint(command, input)).toContain(expected);
  });

  describe('seed', () => {
    const document = {
      users: [
        { username: 'admin', password: PASSWORD, role: 'admin' },
        {
          username: 'vera',
          password: PASSWORD,
          role: 'viewer',
          grants: [{ action: 'read', pattern: 'robots/demo/**' }],
        },
      ],
      robots: [
        { id: 'demo', name: 'Demo robot', kind: 'agent', ownerUsername: 'admin', key: KEY },
        { id: 'paho', kind: 'legacy', legacyTopic: 'robot/stream', key: `rk_${'b'.repeat(43)}` },
      ],
    };

    it('adds what is missing', async () => {
      await run('seed', JSON.stringify(document));
      expect(await grantsOf('vera')).toEqual(['read robots/demo/**']);
      expect(await grantsOf('admin')).toEqual(['control robots/demo/**', 'read robots/demo/**']);
      expect(await robots.find('demo')).toMatchObject({ name: 'Demo robot' });
      expect(await robots.find('paho')).toMatchObject({ kind: 'legacy', legacyTopic: 'robot/stream' });
    });

    it('leaves what is there as it is', async () => {
      await users.setPassword('vera', 'her-own-password', 'test');
      const before = [
        await count('users'),
        await count('robots'),
        await count('stream_keys'),
        await count('grants'),
      ];
      await run('seed', JSON.stringify(document));
      const after = [
        await count('users'),
        await count('robots'),
        await count('stream_keys'),
        await count('grants'),
      ];
      expect(after).toEqual(before);
      const { passwordHash } = (await users.accountNamed('vera'))!;
      expect(await passwords.verify(passwordHash, 'her-own-password')).toBe(true);
    });

    it.each<[string, unknown, string]>([
      [
        'a bad role',
        { users: [{ username: 'x', password: PASSWORD, role: 'god' }], robots: [] },
        'users.0.role',
      ],
      ['no lists', {}, 'users'],
      ['a robot without a key', { users: [], robots: [{ id: 'x' }] }, 'robots.0.key'],
      [
        'an owner who is not there',
        { users: [], robots: [{ id: 'x', ownerUsername: 'nobody', key: `${KEY.slice(0, -1)}c` }] },
        'nobody',
      ],
      ['a key in use', { users: [], robots: [{ id: 'x', key: KEY }] }, 'key'],
    ])('says what is wrong with %s', async (_what, seed, expected) => {
      expect(await complaint('seed', JSON.stringify(seed))).toContain(expected);
      expect(await robots.find('x')).toBeUndefined();
    });

    it('does not repeat a document that is no JSON: there are passwords in it', async () => {
      expect(await complaint('seed', `{"password":"${PASSWORD}",}`)).not.toContain('c4n4ry');
    });
  });

  it('leaves a record of it all, without a password', async () => {
    const rows = await database.source.query<{ actor: string; line: string }[]>(
      'SELECT actor, a::text AS line FROM audit_events a',
    );
    expect(rows.length).toBeGreaterThan(8);
    expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set(['cli', 'test']));
    expect(rows.map(({ line }) => line).join()).not.toMatch(/c4n4ry|rk_|argon2/);
  });
});
