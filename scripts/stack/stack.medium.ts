import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AppName } from './environments';
import type { Options } from './options';
import { Stack } from './stack';
import type { StackFile } from './stack-file';

/** Stands in for each of our apps: notes what it was told, answers HTTP, ends as `runProcess` does. */
const FAKE_APP = `
  const { createServer } = require('node:http');
  const { appendFileSync } = require('node:fs');
  const [name, notes] = [process.env.FAKE_NAME ?? require('node:path').basename(__filename, '.js'), process.env.FAKE_NOTES];
  const note = (what) => appendFileSync(notes, what + ' ' + name + ' ' + process.pid + '\\n');
  if (process.env.FAKE_BROKEN === name) { console.error('no way'); process.exit(3); }
  const server = createServer((request, response) => {
    if (request.url === '/crash') process.exit(7);
    response.end(JSON.stringify({ argv: process.argv, env: process.env }));
  });
  server.listen(Number(process.env.PORT), process.env.HOST, () => { note('ready'); process.send({ ready: true }); });
  const stop = () => { note('stop'); process.exit(0); };
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  console.log(JSON.stringify({ level: 'info', msg: 'quiet' }));
  console.log(JSON.stringify({ level: 'warn', msg: 'loud' }));
`;
const FAKE_SEED = `
  const { appendFileSync } = require('node:fs');
  let text = '';
  process.stdin.on('data', (part) => (text += part)).on('end', () => {
    const { users } = JSON.parse(text);
    appendFileSync(process.env.FAKE_NOTES, 'seeded ' + users.map((user) => user.username).join('+') + ' 0\\n');
  });
`;

describe('the whole system with fake apps', () => {
  jest.setTimeout(60_000);
  let folder: string;
  let said: string[];
  let stacks: Stack[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-stack-'));
    mkdirSync(join(folder, 'mediamtx'));
    copyFileSync(resolve(__dirname, '../../mediamtx/mediamtx.yml'), join(folder, 'mediamtx', 'mediamtx.yml'));
    for (const app of ['auth', 'monitor', 'gateway', 'device'])
      writeFileSync(join(folder, `${app}.js`), FAKE_APP);
    writeFileSync(join(folder, 'seed.js'), FAKE_SEED);
    said = [];
    stacks = [];
  });
  afterEach(async () => {
    for (const stack of stacks) await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const notes = (): string[] =>
    existsSync(join(folder, 'notes')) ? readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n') : [];
  const namesOf = (what: string): string[] =>
    notes()
      .filter((line) => line.startsWith(`${what} `))
      .map((line) => line.split(' ')[1]);
  const pids = (): number[] =>
    notes()
      .map((line) => Number(line.split(' ')[2]))
      .filter(Boolean);
  const isGone = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };

  const aStack = (more: Partial<Options> = {}, environment: NodeJS.ProcessEnv = {}): Stack => {
    const options = { port: 3000, host: '127.0.0.1', robot: true, help: false, ...more };
    const stack = new Stack(options, {
      rootDir: folder,
      environment: {
        PATH: process.env.PATH,
        MEDIAMTX_BIN: 'embedded',
        FAKE_NOTES: join(folder, 'notes'),
        ...environment,
      },
      appScript: (app: AppName) => join(folder, `${app}.js`),
      seedScript: join(folder, 'seed.js'),
      say: (line) => said.push(line),
    });
    stacks.push(stack);
    return stack;
  };
  const stackFile = (): string => join(folder, '.run', 'stack.json');

  it('comes up, says so, and goes down in reverse without a trace', async () => {
    const stack = aStack();
    const facts = await stack.start();
    expect(namesOf('ready').sort()).toEqual(['auth', 'device', 'gateway', 'monitor']);
    expect(namesOf('ready')[0]).toBe('auth'); // the tables are made before anybody else looks
    expect(namesOf('seeded')).toEqual(['admin+viewer']);
    expect(JSON.parse(readFileSync(stackFile(), 'utf8'))).toEqual(facts);
    expect(statSync(stackFile()).mode & 0o777).toBe(0o600);
    expect(said.join('\n')).toContain('Rovercast is up');
    expect(readFileSync(join(folder, '.run', 'logs', 'gateway.log'), 'utf8')).toContain('quiet');

    await stack.stop();
    expect(said).toContain('[gateway] warn: loud');
    expect(said.join('\n')).not.toContain('quiet');
    expect(namesOf('stop')).toEqual(['device', 'gateway', 'monitor', 'auth']);
    expect(existsSync(stackFile())).toBe(false);
    expect(pids().every(isGone)).toBe(true);
    expect(existsSync(join(folder, '.run', 'data', 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('describes itself as the design says', async () => {
    const facts = await aStack().start();
    const url = expect.stringMatching(/^\w+:\/\/\S+:\d+/) as string;
    const expected: StackFile = {
      gateway: { url },
      auth: { url },
      monitor: { url },
      mqtt: { url },
      media: { kind: 'embedded', apiUrl: url, rtmpUrl: url, rtspUrl: url, hlsUrl: url, webrtcUrl: null },
      database: { url },
      accounts: {
        admin: { username: 'admin', password: expect.any(String) as string },
        viewer: { username: 'viewer', password: expect.any(String) as string },
      },
      robot: { id: 'demo' },
    };
    expect(facts).toEqual(expected);
  });

  it('gives no child a secret by argument', async () => {
    const facts = await aStack().start();
    const { argv, env } = (await (await fetch(facts.gateway.url)).json()) as {
      argv: string[];
      env: Record<string, string>;
    };
    expect(argv.slice(2)).toEqual([]);
    expect(env.AUTH_SECRET).toHaveLength(64);
  });

  it('keeps its accounts over a restart and does not seed again', async () => {
    const first = aStack({ robot: false });
    const { accounts } = await first.start();
    await first.stop();
    const second = await aStack({ robot: false }).start();
    expect(second.accounts).toEqual(accounts);
    expect(second.robot).toBeNull();
    expect(namesOf('seeded')).toHaveLength(1);
    expect(namesOf('ready')).not.toContain('device');
  });

  it('stops everything when a child crashes, and says which and where its log is', async () => {
    const stack = aStack();
    const facts = await stack.start();
    await fetch(`${facts.monitor.url}/crash`).catch(() => {});
    expect(await stack.failed).toBe(
      `monitor ended with exit code 7; its log is ${join(folder, '.run', 'logs', 'monitor.log')}`,
    );
    await stack.stop();
    expect(pids().every(isGone)).toBe(true);
  });

  it('stops everything when a part does not come up', async () => {
    const stack = aStack({}, { FAKE_BROKEN: 'gateway' });
    await expect(stack.start()).rejects.toThrow(/^gateway ended with exit code 3/);
    await stack.stop();
    expect(said).toContain('[gateway] no way');
    expect(existsSync(stackFile())).toBe(false);
    expect(pids().every(isGone)).toBe(true);
  });

  it('can be stopped while it starts', async () => {
    const stack = aStack();
    const starting = stack.start().catch((error: Error) => error.message);
    await stack.stop();
    expect(await starting).toBe('stopped');
    expect(pids().every(isGone)).toBe(true);
  });

  it('keeps a second one out of its data, and stands beside one with data of its own', async () => {
    const first = await aStack().start();
    await expect(aStack().start()).rejects.toThrow(
      /^Rovercast already runs on .*; stop it, or give another folder/,
    );
    const dataDir = join(folder, 'other');
    const second = await aStack({ dataDir }).start();
    expect(second.gateway.url).not.toBe(first.gateway.url);
    expect(said.join('\n')).toMatch(/gateway\s+port 3\d\d\d is taken; on/);
    expect(JSON.parse(readFileSync(join(dataDir, 'stack.json'), 'utf8'))).toEqual(second);
    expect((await fetch(first.gateway.url)).status).toBe(200);
  });

  it('starts no database of its own when one is given', async () => {
    const facts = await aStack({}, { DATABASE_URL: process.env.TEST_DATABASE_URL }).start();
    expect(facts.database.url).toBe(process.env.TEST_DATABASE_URL);
    expect(existsSync(join(folder, '.run', 'data', 'postgres'))).toBe(false);
  });

  it('starts no broker and no media server of its own when they are given', async () => {
    const given = { MQTT_URL: 'mqtt://g:s@127.0.0.1:1', MEDIAMTX_API_URL: 'http://m:s@127.0.0.1:2' };
    const facts = await aStack({}, given).start();
    expect(facts.mqtt.url).toBe(given.MQTT_URL);
    expect(facts.media).toMatchObject({
      kind: 'mediamtx',
      apiUrl: given.MEDIAMTX_API_URL,
      rtspUrl: 'rtsp://127.0.0.1:8554',
    });
    expect(existsSync(join(folder, '.run', 'logs', 'broker.log'))).toBe(false);
    expect(said.join('\n')).toContain('To do by hand');
  });
});
