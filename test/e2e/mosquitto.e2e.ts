import { deriveKeys, newSecret } from '@rovercast/access';
import { topic } from '@rovercast/contracts';
import { Robots } from '@rovercast/directory';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { writeMosquittoFiles } from '../../apps/auth/src/mosquitto/mosquitto.command';
import setUpPostgres from '../jest/postgres-setup';
import tearDownPostgres from '../jest/postgres-teardown';
import { aDatabase, type TestDatabase } from '../support/database';
import { until } from '../support/until';

jest.setTimeout(60_000);

const GATEWAY_SECRET = 'the-secret-of-the-gateway';
const PROGRAM = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', 'mosquitto'].find(
  (file) => spawnSync(file, ['-h']).error === undefined,
);

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};
const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** A client and all that it hears. */
class Listener {
  readonly heard: string[] = [];
  closed = false;

  private constructor(readonly client: MqttClient) {
    client.on('message', (name, payload) => this.heard.push(`${name} ${payload.toString()}`));
    client.on('close', () => (this.closed = true));
  }

  static async connect(port: number, options: IClientOptions): Promise<Listener> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 5,
      reconnectPeriod: 0,
      connectTimeout: 5_000,
      ...options,
    });
    return new Listener(client);
  }

  async subscribe(filter: string): Promise<void> {
    await this.client.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
  }

  /** @returns whether the broker took it */
  publish(name: string, payload = 'x'): Promise<boolean> {
    return this.client.publishAsync(name, payload, { qos: 1 }).then(
      () => true,
      () => false,
    );
  }
}

(PROGRAM ? describe : describe.skip)('a real Mosquitto with the files that we write', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rovercast-mosquitto-files-'));
  const out = join(folder, 'rovercast');
  const stop = new AbortController();
  const printed: string[] = [];
  const clients: Listener[] = [];
  let watching: Promise<void>;
  let database: TestDatabase;
  let robots: Robots;
  let broker: ChildProcess;
  let robotPort: number;
  let gatewayPort: number;
  let r1Key: string;
  let r2Key: string;
  let legacyKey: string;
  let gateway: Listener;

  const as = async (username: string, password: string, options: IClientOptions = {}): Promise<Listener> => {
    const port = username === 'gateway' ? gatewayPort : robotPort;
    const client = await Listener.connect(port, { username, password, ...options });
    clients.push(client);
    return client;
  };
  const isRefused = (username: string, password: string): Promise<boolean> =>
    as(username, password).then(
      () => false,
      (error: Error) => /not authorized|bad user name/i.test(error.message),
    );
  const write = (more: object = {}): Promise<void> =>
    writeMosquittoFiles({
      database: database.source,
      databaseUrl: database.url,
      accounts: [`gateway:${GATEWAY_SECRET}`],
      out,
      print: (line) => printed.push(line),
      ...more,
    });

  beforeAll(async () => {
    await setUpPostgres();
    database = await aDatabase();
    robots = new Robots(database.source, deriveKeys('k'.repeat(32)));
    ({ key: r1Key } = await robots.create({ id: 'r1' }, 'test'));
    ({ key: r2Key } = await robots.create({ id: 'r2' }, 'test'));
    const legacy = { id: 'old', kind: 'legacy' as const, legacyTopic: 'robot/stream' };
    ({ key: legacyKey } = await robots.create(legacy, 'test'));
    await write();
    [robotPort, gatewayPort] = [await freePort(), await freePort()];
    const configuration = join(folder, 'mosquitto.conf');
    const lines = [
      `user ${userInfo().username}`,
      'allow_anonymous false',
      'persistence false',
      'set_tcp_nodelay true',
      `password_file ${join(out, 'passwords')}`,
      `acl_file ${join(out, 'acl')}`,
      `listener ${robotPort} 127.0.0.1`,
      'use_username_as_clientid true',
      `listener ${gatewayPort} 127.0.0.1`,
    ];
    writeFileSync(configuration, `${lines.join('\n')}\n`);
    broker = spawn(PROGRAM!, ['-c', configuration], { stdio: 'ignore' });
    await until(async () => (await accepts(robotPort)) && (await accepts(gatewayPort)));
    watching = write({ pid: String(broker.pid), watchUntil: stop.signal });
    gateway = await as('gateway', GATEWAY_SECRET, { clientId: 'gw-1' });
    for (const filter of [
      'rc/v1/robots/+/reported/stream/+',
      'rc/v1/gw/+/reply/+',
      'rc/v1/robots/+/presence',
    ])
      await gateway.subscribe(filter);
  });

  afterAll(async () => {
    stop.abort();
    await watching;
    for (const { client } of clients) await client.endAsync(true);
    if (broker && broker.exitCode === null) {
      broker.kill('SIGKILL');
      await once(broker, 'exit');
    }
    await database?.drop();
    await tearDownPostgres();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads files that only their owner may read, in which no secret is', () => {
    for (const name of ['passwords', 'acl']) expect(statSync(join(out, name)).mode & 0o777).toBe(0o600);
    const text = readFileSync(join(out, 'passwords'), 'utf8');
    for (const secret of [r1Key, r2Key, legacyKey, GATEWAY_SECRET]) expect(text).not.toContain(secret);
    expect(text.split('\n').filter(Boolean)).toHaveLength(4);
  });

  it('lets a robot and its gateway talk', async () => {
    const r1 = await as('r1', r1Key, { clientId: 'r1' });
    await r1.subscribe(topic('cmd', { robotId: 'r1' }));
    expect(await gateway.publish(topic('cmd', { robotId: 'r1', name: 'ping' }), 'order')).toBe(true);
    await until(() => r1.heard.includes('rc/v1/robots/r1/cmd/ping order'));
    expect(await r1.publish('rc/v1/gw/gw-1/reply/r1', 'answer')).toBe(true);
    expect(await r1.publish('rc/v1/robots/r1/reported/stream/main', 'report')).toBe(true);
    await until(() => gateway.heard.includes('rc/v1/gw/gw-1/reply/r1 answer'));
    await until(() => gateway.heard.includes('rc/v1/robots/r1/reported/stream/main report'));
  });

  it.each([
    ["publish another's report", 'rc/v1/robots/r2/reported/stream/main'],
    ["forge another's reply", 'rc/v1/gw/gw-1/reply/r2'],
    ['say that another is gone', 'rc/v1/robots/r2/presence'],
    ['order itself', 'rc/v1/robots/r1/cmd/stream'],
    ['start robots of the older kind', 'robot/stream'],
  ])('does not let a robot %s', async (_what, name) => {
    const r1 = await as('r1', r1Key, { clientId: 'r1' });
    const legacy = await as('old', legacyKey);
    await legacy.subscribe('robot/stream');
    expect(await r1.publish(name, 'forged')).toBe(false);
    expect(await r1.publish('rc/v1/robots/r1/presence', `after ${name}`)).toBe(true);
    await until(() => gateway.heard.includes(`rc/v1/robots/r1/presence after ${name}`));
    expect([...gateway.heard, ...legacy.heard].filter((line) => line.endsWith('forged'))).toEqual([]);
  });

  it.each([
    'rc/v1/robots/r2/cmd/+',
    'rc/v1/robots/+/cmd/+',
    'rc/v1/robots/#',
    '#',
    '$share/g/rc/v1/robots/r2/cmd/+',
  ])("does not let a robot hear another's orders by %s", async (filter) => {
    const thief = await as('r1', r1Key, { clientId: 'r1' });
    const r2 = await as('r2', r2Key, { clientId: 'r2' });
    await thief.subscribe(filter);
    if (!filter.startsWith('$share')) await r2.subscribe('rc/v1/robots/r2/cmd/+');
    await thief.subscribe('rc/v1/robots/r1/cmd/+');
    await gateway.publish('rc/v1/robots/r2/cmd/ping', `for r2 by ${filter}`);
    await gateway.publish('rc/v1/robots/r1/cmd/ping', 'the last one');
    await until(() => thief.heard.some((line) => line.endsWith('the last one')));
    expect(thief.heard.filter((line) => line.includes('for r2'))).toEqual([]);
  });

  it('lets a robot of the older kind hear its topic and nothing else', async () => {
    const legacy = await as('old', legacyKey, { clientId: 'paho-1', protocolVersion: 4 });
    await legacy.subscribe('robot/stream');
    await legacy.subscribe('rc/v1/robots/+/presence');
    await gateway.publish('robot/stream', 'start');
    await until(() => legacy.heard.includes('robot/stream start'));
    expect(legacy.heard).toEqual(['robot/stream start']);
  });

  it('does not let a robot push another off by its client id', async () => {
    const r1 = await as('r1', r1Key, { clientId: 'r1' });
    await as('r2', r2Key, { clientId: 'r1' });
    expect(await r1.publish('rc/v1/robots/r1/presence', 'still here')).toBe(true);
    expect(r1.closed).toBe(false);
  });

  it('refuses wrong keys, and logins of nobody', async () => {
    expect(await isRefused('r1', newSecret('rk'))).toBe(true);
    expect(await isRefused('r1', r2Key)).toBe(true);
    expect(await isRefused('r1', '')).toBe(true);
    expect(await isRefused('nobody', r1Key)).toBe(true);
    expect(await isRefused('gateway', 'wrong')).toBe(true);
    await expect(Listener.connect(robotPort, {})).rejects.toThrow();
  });

  it('hears of a new robot, a new key and a robot that is disabled', async () => {
    const { key } = await robots.create({ id: 'r3' }, 'test');
    const r3 = await until(() => as('r3', key, { clientId: 'r3' }).catch(() => undefined), { everyMs: 100 });
    const next = await robots.rotateKey('r3', 'test');
    await until(() => isRefused('r3', key), { everyMs: 100 });
    await until(() => r3.closed);
    const again = await until(() => as('r3', next, { clientId: 'r3' }).catch(() => undefined), {
      everyMs: 100,
    });
    await robots.update('r3', { disabled: true }, 'test');
    await until(() => isRefused('r3', next), { everyMs: 100 });
    await until(() => again.closed, { timeoutMs: 5_000 });
    expect(gateway.closed).toBe(false);
    expect(printed.at(-1)).toBe('4 logins written');
  });
});
