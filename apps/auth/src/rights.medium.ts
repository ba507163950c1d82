import { deriveKeys, hashSecret, newSecret } from '@rovercast/access';
import { StreamKeys, TicketFamilies, UserGroups, Grants } from '@rovercast/directory';
import { until } from '../../../test/support/until';
import { KeyRenewals } from './policy/key-renewals';
import { basic, HOOK, login, PREVIOUS, SECRET, TestDoor, ticketOf } from './test-auth';

const PASSWORD = 'a-good-password';
const NODE_SECRET = 'the-secret-of-node-1';

let door: TestDoor;
let eveId: string;
const sql = (text: string, values: unknown[] = []): Promise<any[]> =>
  door.database.source.query(text, values);
const becomes = (change: object, reason: string): Promise<unknown> =>
  until(async () => (await door.why(change))[1] === reason, { timeoutMs: 3_000 });

beforeAll(async () => {
  door = await TestDoor.prepare();
  ({ id: eveId } = await door.users.create({ username: 'eve', password: PASSWORD, role: 'viewer' }, 'test'));
  await door.users.create({ username: 'viewer', password: PASSWORD, role: 'admin' }, 'test');
  await door.open({ AUTH_SECRET_PREVIOUS: PREVIOUS, MEDIA_NODE_SECRETS: `node1:${NODE_SECRET}` });
});
afterAll(() => door.close());

describe('rights', () => {
  it('come from groups of users, and go with the membership', async () => {
    const groups = new UserGroups(door.database.source);
    const group = await groups.create('night-shift', 'test');
    const grant = { action: 'read' as const, pattern: 'robots/night/**' };
    await new Grants(door.database.source).add({ kind: 'group', id: group.id }, grant, 'test');
    const question = { ...login('eve', PASSWORD), path: 'robots/night/front' };
    expect(await door.why(question)).toEqual([401, 'PATH_NOT_GRANTED']);
    await groups.addMember(group.id, eveId, 'test');
    await becomes(question, 'GRANTED');
    await groups.removeMember(group.id, eveId, 'test');
    await becomes(question, 'PATH_NOT_GRANTED');
  });

  it('hold in their address ranges, and the tickets made with them too', async () => {
    const grant = {
      action: 'read' as const,
      pattern: 'robots/lab',
      addressRanges: ['192.0.2.0/24', '2001:db8::/32'],
    };
    await new Grants(door.database.source).add({ kind: 'user', id: eveId }, grant, 'test');
    const question = { ...login('eve', PASSWORD), path: 'robots/lab' };
    await becomes({ ...question, ip: '192.0.2.9' }, 'GRANTED');
    expect(await door.why({ ...question, ip: '::ffff:192.0.2.9' })).toEqual([204, 'GRANTED']);
    expect(await door.why({ ...question, ip: '2001:db8::9' })).toEqual([204, 'GRANTED']);
    for (const ip of ['192.0.3.9', '2001:db9::9', '<nil>', '', 'nonsense'])
      expect(await door.why({ ...question, ip })).toEqual([401, 'ADDRESS_NOT_ALLOWED']);
    const ticket = { token: ticketOf({ subject: 'eve', path: 'robots/lab' }), path: 'robots/lab' };
    expect(await door.why({ ...ticket, ip: '192.0.2.9' })).toEqual([204, 'TICKET']);
    expect(await door.why({ ...ticket, ip: '192.0.3.9' })).toEqual([401, 'TICKET_OF_LOST_RIGHT']);
  });

  it('end when they say, without anybody telling', async () => {
    const ends = new Date(Date.now() + 1_200);
    const grant = { action: 'read' as const, pattern: 'robots/short', expiresAt: ends };
    await new Grants(door.database.source).add({ kind: 'user', id: eveId }, grant, 'test');
    const question = { ...login('eve', PASSWORD), path: 'robots/short' };
    await becomes(question, 'GRANTED');
    await becomes(question, 'GRANT_EXPIRED');
  });
});

describe('a ticket', () => {
  it('ends with its family', async () => {
    const families = new TicketFamilies(door.database.source);
    const expiresAt = new Date(Date.now() + 60_000);
    const viewer = (await door.users.accountNamed('viewer'))!;
    const family = await families.open({ path: 'robots/r1', action: 'read', expiresAt }, viewer);
    const question = { token: ticketOf({ family: family.id }) };
    expect(await door.why(question)).toEqual([204, 'TICKET']);
    await families.revoke(family.id, 'test');
    await becomes(question, 'TICKET_REVOKED');
    expect(await door.ask({ token: ticketOf() })).toBe(204);
  });

  it('is good at its address only', async () => {
    const token = ticketOf({ address: '192.0.2.7' });
    expect(await door.why({ token, ip: '192.0.2.7' })).toEqual([204, 'TICKET']);
    expect(await door.why({ token, ip: '::ffff:192.0.2.7' })).toEqual([204, 'TICKET']);
    expect(await door.why({ token, ip: '192.0.2.8' })).toEqual([401, 'TICKET_FOR_OTHER_ADDRESS']);
    expect(await door.why({ token, ip: '<nil>' })).toEqual([401, 'TICKET_FOR_OTHER_ADDRESS']);
  });

  it('opens nothing once its session should have ended', async () => {
    expect(await door.why({ token: ticketOf({ leaveAt: Date.now() - 1_000 }) })).toEqual([
      401,
      'TICKET_EXPIRED',
    ]);
  });

  it('serves one purpose', async () => {
    const publish = { token: ticketOf({ action: 'publish' }) };
    expect(await door.ask({ ...publish, action: 'publish' })).toBe(204);
    for (const action of ['read', 'playback'])
      expect(await door.why({ ...publish, action })).toEqual([401, 'TICKET_FOR_OTHER_ACTION']);
    expect(await door.why({ token: ticketOf(), action: 'publish' })).toEqual([
      401,
      'TICKET_FOR_OTHER_ACTION',
    ]);
  });

  it('to publish is good as long as its maker may drive the robot', async () => {
    await new Grants(door.database.source).add(
      { kind: 'user', id: eveId },
      { action: 'control', pattern: 'robots/driven' },
      'test',
    );
    const path = 'robots/driven';
    const question = {
      token: ticketOf({ subject: 'eve', action: 'publish', path }),
      action: 'publish',
      path,
    };
    await becomes(question, 'TICKET');
    await sql(`DELETE FROM grants WHERE pattern = 'robots/driven'`);
    await becomes(question, 'TICKET_OF_LOST_RIGHT');
  });
});

describe('a key', () => {
  it('ends when it says', async () => {
    const keys = new StreamKeys(door.database.source, deriveKeys(SECRET));
    const viewer = (await door.users.accountNamed('viewer'))!;
    const { key } = await keys.create(
      viewer.id,
      { name: '', expiresAt: new Date(Date.now() + 1_500) },
      'test',
    );
    await becomes({ token: key }, 'ADMIN');
    await becomes({ token: key }, 'KEY_EXPIRED');
  });

  it('of the previous secret is stored anew when it is used, and then outlives that secret', async () => {
    const key = newSecret('rk');
    const old = hashSecret(deriveKeys(PREVIOUS), key);
    await sql(`INSERT INTO robots (id, name, kind) VALUES ('aged', 'aged', 'agent')`);
    await sql(`INSERT INTO stream_keys (robot_id, hash) VALUES ('aged', $1)`, [old]);
    const question = { action: 'publish', path: 'robots/aged', ...login('aged', key) };
    await becomes(question, 'OWN_PATH');
    await door.app.get(KeyRenewals).flush();
    const [row] = await sql(`SELECT hash, broker_verifier FROM stream_keys WHERE robot_id = 'aged'`);
    expect(row.hash).toEqual(hashSecret(deriveKeys(SECRET), key));
    expect(row.broker_verifier).toMatch(/^\$7\$101\$[\w+/=]{16}\$[\w+/=]{88}$/);
    expect(await door.why(question)).toEqual([204, 'OWN_PATH']);
  });
});

describe('a media server', () => {
  const asks = async (path: string, secret: string): Promise<number> =>
    (await door.post(path, door.question({ token: ticketOf() }), { authorization: basic('media', secret) }))
      .status;

  it.each([
    ['/mediamtx/auth/node1', NODE_SECRET, 204],
    ['/mediamtx/auth/node1', HOOK, 401],
    ['/mediamtx/auth/node2', HOOK, 204],
    ['/mediamtx/auth/node2', NODE_SECRET, 401],
    ['/mediamtx/auth', HOOK, 204],
    ['/mediamtx/auth', NODE_SECRET, 401],
    [`/mediamtx/auth/${'n'.repeat(65)}`, HOOK, 404],
    ['/mediamtx/auth/no%20de', HOOK, 404],
  ])('at %s with %s gets %i', async (path, secret, expected) => {
    expect(await asks(path, secret)).toBe(expected);
  });
});

it('says what a client got wrong', async () => {
  await door.ask({ protocol: 'rtmp', path: 'eve:hidden-pass:robots/r1' });
  await door.ask({ protocol: 'rtmp', query: 'user=eve&password=hidden-pass' });
  await door.ask({ protocol: 'rtmp' });
  const hints = door.lines().flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  expect(hints).toEqual([
    expect.stringContaining('not user:pass:stream'),
    expect.stringContaining('named user and pass'),
    expect.stringContaining('RTMP client'),
  ]);
  expect(door.written.join('')).not.toContain('hidden-pass');
});
