import { deriveKeys } from '@rovercast/access';
import { isValidPath } from '@rovercast/contracts';
import { StreamKeys } from '@rovercast/directory';
import fc from 'fast-check';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { basic, HOOK, login, SECRET, TestDoor, ticketOf } from '../../apps/auth/src/test-auth';
import { until } from '../support/until';

/** How many generated bodies; 100,000 in the full run. */
const BODIES = Number(process.env.FUZZ_BODIES ?? 5_000);
/** As many at once as MediaMTX nodes may ask. */
const AT_ONCE = 4;
const READS = ['read', 'playback'];
const PASSWORD = 'the-password-of-eve';
const LOOP_LAG_P99_MS = 50;

jest.setTimeout(30_000 + BODIES * 20);

let door: TestDoor;
/** Each good credential with all that it opens. */
let keys: { secret: string; user: string; opens: (action: string, path: string) => boolean }[];
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

interface Sent {
  body: Buffer;
  contentType?: string;
  path?: string;
}

function send({ body, contentType = 'application/json', path = '/mediamtx/auth' }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(door.url);
    const asked = request(
      {
        hostname,
        port,
        path,
        agent,
        method: 'POST',
        headers: {
          'content-type': contentType,
          'content-length': body.length,
          authorization: basic('media', HOOK),
        },
      },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode as number));
        answer.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

beforeAll(async () => {
  door = await TestDoor.prepare();
  const eve = await door.users.create({ username: 'eve', password: PASSWORD, role: 'viewer' }, 'test');
  await door.users.grant('eve', { action: 'read', pattern: 'robots/r1/**' }, 'test');
  const { key: robotKey } = await door.robots.create({ id: 'r1', cameras: ['main', 'front'] }, 'test');
  await door.robots.create({ id: 'r2' }, 'test');
  const { key: userKey } = await new StreamKeys(door.database.source, deriveKeys(SECRET)).create(
    eve.id,
    { name: '', expiresAt: null },
    'test',
  );
  await door.open({ LOG_LEVEL: 'silent', MACHINE_ACCOUNTS: 'monitor:machine-secret-0123456789:api' });
  const eveMay = (action: string, path: string): boolean =>
    READS.includes(action) && isValidPath(path) && /^robots\/r1(\/|$)/.test(path);
  keys = [
    { secret: PASSWORD, user: 'eve', opens: eveMay },
    { secret: userKey, user: 'eve', opens: eveMay },
    {
      secret: robotKey,
      user: 'r1',
      opens: (action, path) =>
        action === 'publish' && /^robots\/r1(\/[\w-]{1,64})?$/.test(path) && path !== 'robots/r1/main',
    },
    {
      secret: ticketOf({ subject: 'eve', expiresAt: Date.now() + 3_600_000 }),
      user: '',
      opens: (action, path) => READS.includes(action) && path === 'robots/r1',
    },
    {
      secret: 'machine-secret-0123456789',
      user: 'monitor',
      opens: (action) => action === 'api',
    },
  ];
  await until(async () => (await door.ask({ ...login('eve', PASSWORD), ip: '192.0.2.7' })) === 204);
});
afterAll(async () => {
  agent.destroy();
  await door?.close();
});

const ODD = [
  '',
  ' ',
  '\0',
  '\u001b[31m',
  'a\r\nb',
  '\ud800',
  'CAM\u212A',
  'саm1',
  '%2e%2e%2f',
  '../x',
  'a//b',
  'a/./b',
  'a%00b',
  'a.',
  'a ',
  '__proto__',
  'constructor',
  'toString',
  "' OR 1=1--",
  '${jndi:ldap://x}',
  '<nil>',
  'fe80::1%eth0',
  '1e309',
  '-0',
  'null',
  'token=a&token=b',
  'user=eve&pass=x',
  'Bearer x',
  'eve:x:robots/r1',
  '#!::r=robots/r1',
  'x'.repeat(500),
  '\u202e',
  '\ufeff',
];
const PATHS = [
  'robots/r1',
  'robots/r1',
  'robots/r1',
  'robots/r1/front',
  'robots/r1/main',
  'robots/r2',
  'robots/r10',
  'robots/r1/a/b',
  'robots',
  'Robots/r1',
  '',
];
const ACTIONS = [
  'publish',
  'read',
  'publish',
  'read',
  'playback',
  'api',
  'metrics',
  'pprof',
  'destroy',
  'READ',
  '',
];
const PROTOCOLS = ['rtsp', 'rtmp', 'hls', 'webrtc', 'srt', 'moq', '', 'telnet'];
const FIELDS = ['ip', 'user', 'password', 'token', 'action', 'path', 'protocol', 'id', 'query', 'userAgent'];

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }) },
);
/** A credential as `[kind, index]`: a good one, one with a flaw, or noise. */
const shown = fc.oneof(
  { weight: 6, arbitrary: fc.record({ which: fc.nat(4), flaw: fc.constant('') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      which: fc.nat(4),
      flaw: fc.constantFrom('cut', 'longer', 'changed', 'case', 'space', 'nul'),
    }),
  },
  { weight: 2, arbitrary: fc.constant(undefined) },
);
const placed = fc.constantFrom(
  'login',
  'login',
  'password',
  'token',
  'query-token',
  'query-login',
  'other-user',
);
const aQuestion = fc.record({
  credential: shown,
  place: placed,
  action: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...ACTIONS) }, { weight: 1, arbitrary: text }),
  path: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PATHS) }, { weight: 2, arbitrary: text }),
  protocol: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...PROTOCOLS) }, { weight: 1, arbitrary: text }),
  id: fc.oneof(
    { weight: 6, arbitrary: fc.oneof(fc.uuid(), fc.constant(null)) },
    { weight: 1, arbitrary: text },
  ),
  userAgent: fc.option(text, { nil: undefined }),
  noise: text,
  ip: fc.oneof({ weight: 6, arbitrary: fc.oneof(fc.ipV4(), fc.ipV6()) }, { weight: 1, arbitrary: text }),
});
type Question = typeof aQuestion extends fc.Arbitrary<infer T> ? T : never;

const flawed = (secret: string, flaw: string): string => {
  const last = secret.at(-3) === 'A' ? 'B' : 'A';
  const flaws: Record<string, string> = {
    cut: secret.slice(0, -2),
    longer: `${secret}A`,
    changed: `${secret.slice(0, -3)}${last}${secret.slice(-2)}`,
    case: secret === secret.toUpperCase() ? secret.toLowerCase() : secret.toUpperCase(),
    space: ` ${secret}`,
    nul: `${secret}\0`,
  };
  return flaws[flaw] ?? secret;
};

function toBody({ credential, place, noise, ...rest }: Question): Record<string, unknown> {
  const body: Record<string, unknown> = { user: '', password: '', token: '', query: '', ...rest };
  if (!credential) return { ...body, user: noise, password: noise };
  const { secret, user } = keys[credential.which];
  const given = flawed(secret, credential.flaw);
  switch (place) {
    case 'login':
      return { ...body, user, password: given, token: given };
    case 'password':
      return { ...body, password: given, token: given };
    case 'token':
      return { ...body, token: given };
    case 'query-token':
      return { ...body, query: `token=${encodeURIComponent(given)}` };
    case 'query-login':
      return { ...body, query: `a=b&user=${encodeURIComponent(user)}&pass=${encodeURIComponent(given)}` };
    default:
      return { ...body, user: noise, password: given };
  }
}

/** Whether the generator put a good credential into the question that opens what is asked for. */
const mayBeAllowed = ({ credential, action, path }: Question): boolean =>
  credential?.flaw === '' && keys[credential.which].opens(action, path);

/** Whether it must be let in: the oracle of a generator that is not blind. A publisher may find its slot taken. */
const mustBeAllowed = (question: Question): boolean =>
  mayBeAllowed(question) &&
  question.action !== 'publish' &&
  (question.place === 'login' || (question.place === 'query-login' && question.action !== 'api')) &&
  PROTOCOLS.slice(0, 7).includes(question.protocol) &&
  (question.id ?? '').length <= 64 &&
  question.ip.length <= 64;

/** Bodies that are no question any more. */
const mutation = fc.record({
  kind: fc.constantFrom(
    ...Array<string>(14).fill('none'),
    'cut',
    'bytes',
    'drop',
    'type',
    'duplicate',
    'nest',
    'extra',
    'utf16',
    'bom',
    'list',
    'content-type',
    'node',
  ),
  field: fc.constantFrom(...FIELDS),
  at: fc.nat(1_000),
  value: fc.oneof(
    fc.constant(null),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant([]),
    fc.constant({}),
    fc.jsonValue(),
  ),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(
  body: Record<string, unknown>,
  { kind, field, at, value }: Mutation,
): Sent & { mayStayGood: boolean } {
  const json = JSON.stringify(body);
  const whole = (changed: string | Buffer, more: Partial<Sent> = {}, mayStayGood = true) => ({
    body: Buffer.from(changed as string),
    mayStayGood,
    ...more,
  });
  switch (kind) {
    case 'cut':
      return whole(json.slice(0, at % json.length), {}, false);
    case 'bytes': {
      const bytes = Buffer.from(json);
      bytes[at % bytes.length] = at & 255;
      return { body: bytes, mayStayGood: true };
    }
    case 'drop':
      return whole(JSON.stringify({ ...body, [field]: undefined }));
    case 'type':
      return whole(JSON.stringify({ ...body, [field]: value }));
    case 'duplicate':
      return whole(`{"${field}":${JSON.stringify(value)},${json.slice(1)}`);
    case 'nest':
      return whole(JSON.stringify({ ...body, [field]: '@' }).replace('"@"', '['.repeat(at) + ']'.repeat(at)));
    case 'extra':
      return whole(
        `{"__proto__":{"user":"eve"},"constructor":{"prototype":{}},"x${at}":${JSON.stringify(value)},${json.slice(1)}`,
      );
    case 'utf16':
      return { body: Buffer.from(json, 'utf16le'), mayStayGood: false };
    case 'bom':
      return whole(`\ufeff${json}`);
    case 'list':
      return whole(`[${json}]`, {}, false);
    case 'content-type':
      return whole(
        json,
        { contentType: ['text/plain', 'application/xml', 'multipart/form-data', 'x'][at % 4] },
        false,
      );
    case 'node':
      return whole(json, {
        path: `/mediamtx/auth/${encodeURIComponent(JSON.stringify(value)).slice(0, 100)}`,
      });
    default:
      return whole(json);
  }
}

/** What the machine itself makes a loop wait that has nothing to do: other processes want its two cores too. */
class IdleLoop {
  private readonly worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const lag = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 5 });
     lag.enable();
     parentPort.on('message', () => parentPort.postMessage(lag.percentile(99) / 1e6));`,
    { eval: true },
  );

  async p99Ms(): Promise<number> {
    this.worker.postMessage('');
    const [p99] = (await once(this.worker, 'message')) as [number];
    await this.worker.terminate();
    return p99;
  }
}

it(`${BODIES} generated bodies: nobody gets in who should not, nothing breaks, nobody waits`, async () => {
  const lag = monitorEventLoopDelay({ resolution: 5 });
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);
  let sent = 0;
  const arbitrary = fc.noBias(fc.tuple(aQuestion, mutation));
  let cases: [Question, Mutation][] = [];
  /** Few at a time: making them takes the same loop's time. */
  const next = (): [Question, Mutation] => {
    if (cases.length === 0) cases = fc.sample(arbitrary, { numRuns: 50, seed: seed + sent });
    return cases.pop()!;
  };
  const statuses = new Map<number, number>();
  const wrong: unknown[] = [];
  const missed: unknown[] = [];
  let shouldPass = 0;
  let passed = 0;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (sent < BODIES) {
      const [question, change] = next();
      sent += 1;
      const mutated = mutate(toBody(question), change);
      const status = await send(mutated);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const good = mayBeAllowed(question) && mutated.mayStayGood;
      if (mustBeAllowed(question) && change.kind === 'none') {
        shouldPass += 1;
        if (status === 204) passed += 1;
        else missed.push({ status, question });
      }
      if (status >= 500 || ![204, 400, 401, 404, 413, 415].includes(status))
        wrong.push({ status, question, change });
      // A byte that is changed at random may turn the path or the action into another one that the credential opens.
      const mayBeAnother = change.kind === 'bytes' && question.credential?.flaw === '';
      if (status === 204 && !good && !mayBeAnother) wrong.push({ status, question, change });
    }
  };
  const idle = new IdleLoop();
  lag.enable();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  lag.disable();
  const idleP99 = await idle.p99Ms();
  const p99 = lag.percentile(99) / 1e6;
  const took = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `seed ${seed}: ${sent} bodies in ${took.toFixed(1)} s, statuses ${JSON.stringify([...statuses])}, ` +
      `${passed} of ${shouldPass} good ones let in, loop lag p99 ${p99.toFixed(1)} ms (an idle loop beside it ${idleP99.toFixed(1)} ms)\n`,
  );
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(wrong).toHaveLength(0);
  expect(shouldPass).toBeGreaterThan(BODIES / 500);
  expect(missed.slice(0, 3)).toEqual([]);
  expect(p99 - idleP99).toBeLessThan(LOOP_LAG_P99_MS);
  expect(await door.ask({ ...login('eve', PASSWORD), ip: '192.0.2.9' })).toBe(204);
});

/** Bytes as they come, and the status line that is answered; `closed` when there is none. */
function raw(bytes: string, { waitMs = 5_000 } = {}): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(door.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'closed');
    };
    const timer = setTimeout(end, waitMs);
    socket.on('data', (data) => {
      answer += data.toString();
      if (answer.includes('\r\n\r\n')) end();
    });
    socket.on('close', end);
    socket.on('error', () => undefined);
    socket.write(bytes);
  });
}
const HEAD = `Host: x\r\nContent-Type: application/json\r\nAuthorization: ${basic('media', HOOK)}\r\n`;

describe('on the wire', () => {
  const body = (): string => JSON.stringify(door.question({ token: ticketOf() }));

  it.each<[string, () => string, string[]]>([
    [
      'a good question',
      () => `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Content-Length: ${body().length}\r\n\r\n${body()}`,
      ['204'],
    ],
    [
      'both lengths',
      () =>
        `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      ['400', 'closed'],
    ],
    [
      'two lengths',
      () => `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}`,
      ['400', 'closed'],
    ],
    [
      'an odd chunk',
      () => `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      ['400', 'closed'],
    ],
    [
      'an absolute form',
      () => `POST http://x/nothing HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\n{}`,
      ['404', '400'],
    ],
    [
      'another method by header',
      () => `GET /mediamtx/auth HTTP/1.1\r\n${HEAD}X-HTTP-Method-Override: POST\r\n\r\n`,
      ['404'],
    ],
    [
      'two secrets',
      () =>
        `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Authorization: Basic eA==\r\nContent-Length: ${body().length}\r\n\r\n${body()}`,
      ['204', '400', '401'],
    ],
    ['no HTTP', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', ['400', 'closed']],
    [
      'a head without end',
      () => `POST /mediamtx/auth HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`,
      ['431', '400', 'closed'],
    ],
  ])('%s is answered', async (_what, bytes, expected) => {
    expect(expected).toContain(await raw(bytes()));
  });

  it.each<[string, string]>([
    ['a head that does not end', `POST /mediamtx/auth HTTP/1.1\r\nHost: x\r\n`],
    ['a body that does not come', `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Content-Length: 400\r\n\r\n{`],
    [
      'chunks without end',
      `POST /mediamtx/auth HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    ],
  ])('%s is given up within three seconds', async (_what, bytes) => {
    const startedAt = performance.now();
    expect(['408', '400', 'closed']).toContain(await raw(bytes, { waitMs: 10_000 }));
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });
});
