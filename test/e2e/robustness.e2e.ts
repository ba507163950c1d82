import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until';
import { RestClient } from './support/client';
import { ffmpegPath, play } from './support/player';
import { familyOf, isAlive } from './support/processes';
import { RunningStack } from './support/stack';

jest.setTimeout(120_000);

const DEVICE = join(__dirname, '../../dist/apps/device/apps/device/src/main.js');
const EMBEDDED_MEDIA = { MEDIAMTX_BIN: 'embedded' };

/** An agent as it runs on a robot: a process of its own, with the `.env` that the registration answered. */
class Agent {
  output = '';

  private constructor(readonly process: ChildProcess) {
    const take = (text: Buffer): void => void (this.output += text.toString());
    process.stdout?.on('data', take);
    process.stderr?.on('data', take);
  }

  static start(dotenv: string, more: Record<string, string>): Agent {
    const settings = Object.fromEntries(
      dotenv
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const environment = {
      PATH: process.env.PATH,
      PORT: '0',
      CAMERAS: 'main=test',
      FFMPEG_PATH: ffmpegPath(),
      ...settings,
      ...more,
    };
    return new Agent(spawn(process.execPath, [DEVICE], { env: environment, stdio: 'pipe' }));
  }

  get encoders(): number[] {
    return familyOf(this.process.pid!)
      .filter(({ argv }) => argv.includes('testsrc'))
      .map(({ pid }) => pid);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }
}

describe('a robot that is registered and comes up', () => {
  let stack: RunningStack;
  let admin: RestClient;
  let dotenv: string;
  let agent: Agent;
  const robot = async (): Promise<any> => (await admin.get('/v1/robots/rover')).body;

  beforeAll(async () => {
    stack = await RunningStack.start({ environment: EMBEDDED_MEDIA, args: ['--no-robot'] });
    admin = await RestClient.login(stack.info.gateway.url, stack.info.accounts.admin);
    dotenv = (await admin.post('/v1/robots', { id: 'rover' })).body.dotenv;
  });

  beforeEach(async () => {
    agent = Agent.start(dotenv, { MQTT_VERSION: '4' });
    await until(async () => (await robot()).online, { timeoutMs: 15_000 });
  });

  afterEach(() => agent.end('SIGKILL'));

  afterAll(async () => {
    await stack?.stop();
    stack?.remove();
  });

  it('is offline at once when it is killed, and takes its encoder with it', async () => {
    expect((await admin.post('/v1/robots/rover/stream?wait=live', {})).status).toBe(201);
    const { encoders } = agent;
    expect(encoders).toHaveLength(1);
    await agent.end('SIGKILL');
    await until(() => encoders.every((pid) => !isAlive(pid)), { timeoutMs: 3_000 });
    await until(async () => !(await robot()).online, { timeoutMs: 25_000 });
    expect((await admin.post('/v1/robots/rover/stream', {})).status).not.toBe(500);
    await admin.delete('/v1/robots/rover/stream');
  });

  it('says good-bye when it is stopped, and ends its encoder', async () => {
    expect((await admin.post('/v1/robots/rover/stream?wait=live', {})).status).toBe(201);
    const { encoders } = agent;
    await agent.end('SIGTERM');
    expect(encoders.filter(isAlive)).toEqual([]);
    await until(async () => !(await robot()).online, { timeoutMs: 2_000 });
    await admin.delete('/v1/robots/rover/stream');
  });

  it('cannot come in with a wrong key, and is shut out once it is disabled', async () => {
    const thief = Agent.start(dotenv.replace(/ROBOT_KEY=rk_.{4}/, 'ROBOT_KEY=rk_AAAA'), {
      MQTT_VERSION: '4',
    });
    await until(() => thief.output.includes('broker connection failed'), { timeoutMs: 10_000 });
    await thief.end('SIGKILL');
    expect((await robot()).online).toBe(true);
  });
});

const mosquittoPath = (): string | undefined =>
  ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', 'mosquitto'].find(
    (file) => spawnSync(file, ['-h']).error === undefined,
  );

/** A real Mosquitto that lets everybody in: what it refuses is tested elsewhere. */
class Mosquitto {
  private process?: ChildProcess;
  private readonly folder = mkdtempSync(join(tmpdir(), 'rovercast-mosquitto-'));

  constructor(
    private readonly program: string,
    readonly port: number,
  ) {
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'set_tcp_nodelay true',
      'persistence false',
    ];
    writeFileSync(join(this.folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  }

  async start(): Promise<void> {
    this.process = spawn(this.program, ['-c', join(this.folder, 'mosquitto.conf')], { stdio: 'ignore' });
    await until(() => accepts(this.port), { timeoutMs: 5_000 });
  }

  async kill(): Promise<void> {
    if (!this.process || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const program = mosquittoPath();
const describeWithMosquitto = program ? describe : describe.skip;

describeWithMosquitto(`on a real Mosquitto${program ? '' : ' (skipped: there is none)'}`, () => {
  let mosquitto: Mosquitto;
  let stack: RunningStack;
  let admin: RestClient;

  beforeAll(async () => {
    mosquitto = new Mosquitto(program!, await freePort());
    await mosquitto.start();
    stack = await RunningStack.start({
      environment: { ...EMBEDDED_MEDIA, MQTT_URL: `mqtt://gateway:any@127.0.0.1:${mosquitto.port}` },
    });
    admin = await RestClient.login(stack.info.gateway.url, stack.info.accounts.admin);
  });

  afterAll(async () => {
    await stack?.stop();
    stack?.remove();
    await mosquitto?.kill();
    mosquitto?.remove();
  });

  const online = async (): Promise<boolean> => (await admin.get('/v1/robots/demo')).body.online as boolean;

  it('everything finds together again after the broker was killed, and the picture goes on meanwhile', async () => {
    await until(online, { timeoutMs: 20_000 });
    const started = await admin.post('/v1/robots/demo/stream?wait=live', { leaseSeconds: 120 });
    expect(started.status).toBe(201);
    await mosquitto.kill();
    await until(async () => (await admin.post('/v1/robots/demo/stream', {})).status === 503, {
      timeoutMs: 5_000,
    });
    const meanwhile = await play(started.body.urls.rtsp, { frames: 10 });
    expect(meanwhile.frames).toBe(10);
    await mosquitto.start();
    await until(online, { timeoutMs: 30_000 });
    const again = await admin.post('/v1/robots/demo/stream?wait=live', {});
    expect(again).toMatchObject({ status: 200, body: { id: started.body.id, state: 'live' } });
    const stop = await admin.delete('/v1/robots/demo/stream');
    expect(stop.body.cause).toBe('user');
    await until(async () => (await admin.get('/v1/robots/demo/stream')).body.state === 'stopped', {
      timeoutMs: 8_000,
    });
  });
});
