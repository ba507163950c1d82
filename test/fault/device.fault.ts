import { topic, type ReportedStream, type RobotReply, type StreamWish } from '@rovercast/contracts';
import { connectMqtt, mqttOptions, OrderRequester, publish } from '@rovercast/mqtt';
import type { MqttClient } from 'mqtt';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasMosquitto, mosquittoBroker, type TestBroker } from '../support/brokers';
import { isAlive, pretendEncoder, until, type PretendEncoder } from '../../apps/device/src/test-parts';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'dist/apps/device/apps/device/src/main.js');
/** The full run has 200 kills and 60 s of flood. */
const KILLS = Number(process.env.KILLS ?? 20);
const FLOOD_SECONDS = Number(process.env.FLOOD_SECONDS ?? 5);
const SESSION = '01890000-0000-7000-8000-000000000001';
const DESIRED = topic('desired', { robotId: 'r1', camera: 'main' });

const there = existsSync(MAIN) && hasMosquitto() && existsSync('/proc/self/stat');
const suite = there ? describe : describe.skip;

/** The agent as a process of its own. */
class Agent {
  readonly log: string[] = [];
  private readonly child: ChildProcess;

  constructor(broker: TestBroker, encoder: PretendEncoder, environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ['--optimize-for-size', '--single-threaded-gc', MAIN], {
      cwd: mkdtempSync(join(tmpdir(), 'agent-')),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ROBOT_ID: 'r1',
        MQTT_URL: broker.url,
        CAMERAS: 'main=test',
        PORT: '0',
        ENCODER: 'ffmpeg',
        FFMPEG_PATH: encoder.path,
        GST_LAUNCH_PATH: '/nonexistent',
        ...environment,
      },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => this.log.push(...chunk.toString().split('\n').filter(Boolean)));
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get rssMegabytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  /** Warnings, by their words. */
  warnings(): Map<string, number> {
    const kinds = new Map<string, number>();
    for (const line of this.log.filter((text) => text.includes('"warn"'))) {
      const { msg } = JSON.parse(line) as { msg: string };
      kinds.set(msg, (kinds.get(msg) ?? 0) + 1);
    }
    return kinds;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (!this.alive) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}

suite('a robot and a real Mosquitto', () => {
  let broker: TestBroker;
  let encoder: PretendEncoder;
  let gateway: MqttClient;
  let requester: OrderRequester;
  let agents: Agent[] = [];
  let wish: StreamWish | undefined;
  let report: ReportedStream | undefined;
  let births = 0;
  /** Most encoders that were seen alive at once. */
  let most = 0;
  let sampler: NodeJS.Timeout;

  const running = (): number[] => encoder.pids().filter(isAlive);

  const anAgent = async (environment: Record<string, string> = {}): Promise<Agent> => {
    const before = births;
    const agent = new Agent(broker, encoder, environment);
    agents.push(agent);
    await until(() => births > before || !agent.alive, { timeoutMs: 20_000 });
    if (!agent.alive) throw new Error(agent.log.join('\n'));
    return agent;
  };

  const nextWish = (state: 'on' | 'off', change: Partial<StreamWish> = {}): StreamWish => ({
    ...{ v: 1, requestId: randomUUID(), version: (wish?.version ?? 0) + 1, state, camera: 'main' },
    ...{ sessionId: state === 'on' ? SESSION : null, leaseTtlMs: 30_000, issuedAt: Date.now() },
    ...change,
  });

  const withTicket = (body: StreamWish): StreamWish => ({
    ...body,
    ...(body.state === 'on' && {
      ingest: {
        ...{ url: 'rtsp://127.0.0.1:9/robots/r1', protocol: 'rtsp', token: 'ticket' },
        tokenExpiresAt: Date.now() + 60_000,
      },
    }),
  });

  const order = (body: StreamWish): Promise<RobotReply> =>
    requester.order('r1', 'stream', withTicket(body), { timeoutMs: 3_000 });

  /** As a gateway does on every connection, and whenever a robot asks. */
  const sayAgain = async (): Promise<void> => {
    if (!wish) return;
    await publish(gateway, DESIRED, { ...wish, issuedAt: Date.now() }).catch(() => {});
    await order({ ...wish, issuedAt: Date.now() }).catch(() => {});
  };

  const isConverged = (): boolean =>
    report?.version === wish?.version &&
    (wish?.state === 'on' ? report?.state === 'live' : report?.state === 'idle') &&
    running().length === (wish?.state === 'on' ? 1 : 0);

  beforeEach(async () => {
    [wish, report, births, most, agents] = [undefined, undefined, 0, 0, []];
    encoder = pretendEncoder();
    broker = await mosquittoBroker('allow_anonymous true\nmax_packet_size 65536');
    const reconnectMs = { min: 20, max: 60 };
    gateway = connectMqtt(mqttOptions({ url: broker.url, clientId: 'gw', version: 5, reconnectMs }));
    gateway.on('error', () => {});
    requester = new OrderRequester({ client: gateway, replica: 'gw1', version: 5 });
    gateway.on('connect', () => {
      gateway.subscribe(
        [topic('presence'), topic('reported'), topic('evt')],
        { qos: 1 },
        () => void sayAgain(),
      );
    });
    gateway.on('message', (to, payload) => {
      if (payload.length === 0) return;
      if (to.endsWith('/presence') && payload.includes('"online":true')) births += 1;
      if (to.includes('/reported/')) report = JSON.parse(payload.toString()) as ReportedStream;
      if (to.endsWith('/evt/sync-request') && wish) void order(wish).catch(() => {});
    });
    await until(() => gateway.connected);
    sampler = setInterval(() => (most = Math.max(most, running().length)), 20);
  });

  afterEach(async () => {
    clearInterval(sampler);
    await Promise.all(agents.map((agent) => agent.kill('SIGTERM')));
    requester.close();
    await gateway.endAsync(true);
    await broker.stop();
    await until(() => running().length === 0, { timeoutMs: 5_000 });
  });

  it(
    `comes to the newest wish through ${KILLS} kills of agent and broker, with one encoder at most and no orphan`,
    async () => {
      let agent = await anAgent();
      const slowest: number[] = [];
      for (let kill = 0; kill < KILLS; kill += 1) {
        wish = nextWish(Math.random() < 0.7 ? 'on' : 'off');
        const said = sayAgain();
        await pause(Math.random() * 300);
        const victim = Math.random();
        const orphans = running();
        if (victim < 0.6) {
          await agent.kill('SIGKILL');
          await until(() => !orphans.some(isAlive), { timeoutMs: 5_000 });
        }
        if (victim > 0.4) await broker.stop();
        await pause(Math.random() * 200);
        wish = nextWish(Math.random() < 0.7 ? 'on' : 'off');
        if (victim > 0.4) await broker.start();
        else void sayAgain();
        const began = performance.now();
        if (victim < 0.6) agent = await anAgent();
        await until(isConverged, { timeoutMs: 25_000 });
        slowest.push(performance.now() - began);
        await said;
      }
      slowest.sort((a, b) => b - a);
      process.stderr.write(
        `${KILLS} kills, slowest back after ${Math.round(slowest[0])} ms, most encoders ${most}\n`,
      );
      expect(most).toBe(1);
    },
    60_000 + KILLS * 30_000,
  );

  it(
    `lives through ${FLOOD_SECONDS} s of 1,000 bad messages a second`,
    async () => {
      const agent = await anAgent();
      const junk = [
        ...['', '{', '[]', 'null', '5', '"start"', '\0\u0001', '{"v":1}', '{"data":{"v":1},"pattern":"x"}'],
        ...['x'.repeat(60_000), `{"v":1,"x":${'['.repeat(2_000)}${']'.repeat(2_000)}}`],
        JSON.stringify(withTicket(nextWish('on', { camera: '../../etc' }))),
        JSON.stringify({ ...withTicket(nextWish('on')), profile: { width: -1 } }),
        JSON.stringify({ ...nextWish('on'), ingest: { url: 'file:///etc/passwd', protocol: 'rtsp' } }),
      ];
      const places = ['cmd/stream', 'cmd/ping', 'cmd/fly', 'cmd/snapshot', 'cmd/configure', 'cmd/probe'];
      const rests = [...places, 'desired/stream/main', 'desired/stream/nope', 'presence'];
      await pause(1_000);
      const before = agent.rssMegabytes;
      let [sent, highest] = [0, before];
      const began = performance.now();
      while (performance.now() - began < FLOOD_SECONDS * 1000) {
        const due = Math.floor(performance.now() - began) - sent;
        for (let index = 0; index < due; index += 1, sent += 1) {
          const rest = rests[sent % rests.length];
          // Long ones are rarer, or the wire is what is tested.
          const text = junk[Math.floor(Math.random() * junk.length)];
          const payload = text.length > 10_000 && sent % 50 !== 0 ? '{' : text;
          gateway.publish(`rc/v1/robots/r1/${rest}`, payload, { qos: 0 });
        }
        highest = Math.max(highest, agent.rssMegabytes);
        await pause(5);
      }
      const ping = { v: 1, requestId: 'ping', issuedAt: Date.now() };
      await until(
        async () => (await requester.order('r1', 'ping', ping).catch(() => undefined))?.code === 'accepted',
        { timeoutMs: 20_000 },
      );
      process.stderr.write(
        `${sent} bad messages: RSS ${Math.round(before)} MB, at most ${Math.round(highest)} MB; ${JSON.stringify([...agent.warnings()])}\n`,
      );
      expect(agent.alive).toBe(true);
      expect(highest - before).toBeLessThan(50);
      expect(encoder.pids()).toEqual([]);
      expect(Math.max(...agent.warnings().values())).toBeLessThanOrEqual(1 + Math.ceil(FLOOD_SECONDS / 60));
    },
    60_000 + FLOOD_SECONDS * 2_000,
  );

  it('with a twin of the same id: both stay up, say so once a minute, and start nothing', async () => {
    const [one, two] = [await anAgent(), await anAgent()];
    await until(() => [one, two].some((each) => each.log.some((line) => line.includes('in use twice'))), {
      timeoutMs: 60_000,
    });
    expect([one.alive, two.alive]).toEqual([true, true]);
    for (const agent of [one, two]) expect(Math.max(0, ...agent.warnings().values())).toBeLessThanOrEqual(1);
    expect(encoder.pids()).toEqual([]);
  }, 120_000);

  it('whose clock says 1970 starts, keeps its lease and stops as any other', async () => {
    const preload = join(mkdtempSync(join(tmpdir(), 'clock-')), '1970.cjs');
    writeFileSync(
      preload,
      `const Real = Date; const shift = Real.now();
       globalThis.Date = class extends Real { constructor(...a) { super(...(a.length ? a : [Real.now() - shift])); } static now() { return Real.now() - shift; } };`,
    );
    const agent = await anAgent({ NODE_OPTIONS: `--require=${preload}` });
    wish = nextWish('on', { leaseTtlMs: 1_500 });
    expect((await order(wish)).code).toBe('accepted');
    await until(isConverged);
    expect(report!.since).toBeLessThan(600_000);
    const renewal = { ...wish, renew: true, issuedAt: Date.now() };
    await pause(800);
    await publish(gateway, DESIRED, renewal, { expirySeconds: 2 });
    await pause(1_000);
    expect(running()).toHaveLength(1);
    await until(() => running().length === 0, { timeoutMs: 4_000 });
    await until(() => report?.cause === 'lease_expired');
    expect(agent.alive).toBe(true);
  }, 60_000);
});
