import { deriveKeys, newSecret } from '@rovercast/access';
import { StreamKeys } from '@rovercast/directory';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from '../../../test/support/until';
import { KeyRenewals } from './policy/key-renewals';
import { basic, BROKER, login, SECRET, TestDoor, ticketOf } from './test-auth';

const PROTOCOLS = ['rtsp', 'rtmp', 'hls', 'webrtc', 'srt', 'moq', ''];
const canary = (name: string): string => `c4n4ry-${name}-${randomBytes(12).toString('hex')}`;

let door: TestDoor;
const secrets: Record<string, string> = {};

/** Every place in which a protocol may put a credential, and some in which none belongs. */
function placesOf(user: string, secret: string): object[] {
  const encoded = encodeURIComponent(secret);
  return [
    login(user, secret),
    { user, password: secret },
    { token: secret },
    { query: `token=${encoded}` },
    { query: `user=${user}&pass=${encoded}` },
    { query: `user=${user}&password=${encoded}` },
    { query: `token=${encoded}&token=${encoded}` },
    { query: `jwt=${encoded}` },
    { token: `Bearer ${secret}` },
    { user: secret },
    { user: secret, password: 'x' },
    { path: `${user}:${secret}:robots/r1` },
    { path: `robots/r1?user=${user}&pass=${encoded}` },
    { password: { secret } },
    { user: [secret] },
    { token: secret.repeat(40) },
    { unknown: secret },
  ];
}

beforeAll(async () => {
  door = await TestDoor.prepare();
  secrets.password = canary('password');
  const viewer = await door.users.create(
    { username: 'viewer', password: secrets.password, role: 'admin' },
    'test',
  );
  secrets.wrongPassword = canary('wrong');
  secrets.robotKey = (await door.robots.create({ id: 'r1' }, 'test')).key;
  const keys = new StreamKeys(door.database.source, deriveKeys(SECRET));
  secrets.userKey = (await keys.create(viewer.id, { name: 'obs', expiresAt: null }, 'test')).key;
  secrets.unknownKey = newSecret('rk');
  secrets.ticket = ticketOf();
  secrets.publishTicket = ticketOf({ action: 'publish', subject: 'r1' });
  secrets.strangeTicket = ticketOf({}, 'x'.repeat(32));
  secrets.hook = canary('hook');
  secrets.node = canary('node');
  secrets.broker = canary('broker');
  secrets.machine = canary('machine');
  secrets.gateway = canary('gateway');
  secrets.previous = canary('previous-secret-of-auth');
  await door.open({
    AUTH_SECRET_PREVIOUS: secrets.previous,
    MEDIA_HOOK_SECRET: secrets.hook,
    MEDIA_NODE_SECRETS: `node1:${secrets.node}`,
    BROKER_HOOK_SECRET: secrets.broker,
    MACHINE_ACCOUNTS: `monitor:${secrets.machine}:api`,
    BROKER_ACCOUNTS: `gateway:${secrets.gateway}`,
  });
});
afterAll(() => door.close());

it('no secret of any flow is in a log, a metric, a table, an answer or an argument', async () => {
  const answers: string[] = [];
  const ask = async (path: string, body: unknown, authorization: string): Promise<void> => {
    const answer = await door.post(path, body, { authorization });
    answers.push((await answer.text()) + JSON.stringify([...answer.headers]));
  };
  const media = basic('media', secrets.hook);
  const shown = [
    'password',
    'wrongPassword',
    'robotKey',
    'userKey',
    'unknownKey',
    'ticket',
    'publishTicket',
    'strangeTicket',
  ];
  for (const name of shown) {
    for (const place of placesOf(/robotKey|publish/.test(name) ? 'r1' : 'viewer', secrets[name])) {
      for (const protocol of PROTOCOLS)
        await ask(
          '/mediamtx/auth',
          door.question({ action: /robotKey|publish/.test(name) ? 'publish' : 'read', protocol, ...place }),
          media,
        );
      await ask('/mediamtx/auth', door.question({ action: 'api', path: '', ...place }), media);
    }
    for (const username of ['viewer', 'r1', 'gateway', secrets[name].slice(0, 128)])
      for (const path of ['/mqtt/authn', '/mqtt/authz']) {
        const body = {
          username,
          password: secrets[name],
          clientid: 'r1',
          topic: secrets[name].slice(0, 500),
          action: 'publish',
        };
        await ask(path, body, basic('broker', secrets.broker));
      }
  }
  await ask(
    '/mediamtx/auth',
    door.question({ action: 'api', path: '', ...login('monitor', secrets.machine) }),
    media,
  );
  await ask(
    '/mediamtx/auth/node1',
    door.question(login('viewer', secrets.password)),
    basic('media', secrets.node),
  );
  await ask(
    '/mqtt/authn',
    { username: 'gateway', password: secrets.gateway },
    basic('broker', secrets.broker),
  );
  for (const name of Object.keys(secrets)) {
    await ask('/mediamtx/auth', '{"broken', basic(secrets[name], secrets[name]));
    await ask(
      `/mediamtx/auth/${encodeURIComponent(secrets[name].slice(0, 60))}`,
      {},
      basic('media', secrets[name]),
    );
    await ask(`/nothing?token=${encodeURIComponent(secrets[name])}`, {}, `Bearer ${secrets[name]}`);
  }
  await door.app.get(KeyRenewals).flush();
  // What was let in is written within a moment.
  await until(async () => (await rows('admissions')) > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));

  const places: Record<string, string> = {
    logs: door.written.join(''),
    answers: answers.join('\n'),
    metrics: await (await fetch(`${door.url}/metrics`)).text(),
    tables: await dump(),
    arguments: commandLines(),
  };
  expect(places.logs.length).toBeGreaterThan(10_000);
  expect(places.tables.length).toBeGreaterThan(500);
  const hits = Object.entries(places).flatMap(([place, text]) =>
    // Other suites run beside this one with the same two, some of them in an argument.
    [
      ...Object.entries(secrets),
      ...(place === 'arguments'
        ? []
        : [
            ['auth', SECRET],
            ['default hook', BROKER],
          ]),
    ].flatMap(([name, secret]) =>
      needles(secret).some((needle) => text.includes(needle)) ? [`${name} in ${place}`] : [],
    ),
  );
  expect(hits).toEqual([]);
}, 120_000);

/** A secret as it is, as it is in URLs and Basic headers, and the part of a ticket that opens. */
const needles = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ...(secret.startsWith('eyJ') ? [secret.split('.')[2]] : []),
];

const rows = async (table: string): Promise<number> =>
  Number((await door.database.source.query<{ n: string }[]>(`SELECT count(*) AS n FROM ${table}`))[0].n);

/** Every row of every table as text, bytes in hex and as characters. */
async function dump(): Promise<string> {
  const tables = await door.database.source.query<{ name: string }[]>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const found = await door.database.source.query<{ row: string }[]>(
      `SELECT t::text AS row FROM "${name}" t`,
    );
    for (const { row } of found) {
      texts.push(row);
      for (const [, hex] of row.matchAll(/\\x([0-9a-f]{8,})/g))
        texts.push(Buffer.from(hex, 'hex').toString('latin1'));
    }
  }
  return texts.join('\n');
}

function commandLines(): string {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
}
