// The parts that are measured, each as its own process and on a free loopback port; a real Postgres in a temporary folder.
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startHelper, stopChild, untilReady } from './helper.mjs';
import { appScript, libOf, resultsDir, stackPart } from './paths.mjs';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

export const ROBOTS = 1_000;
export const USERS = 20;
/** What a password is for a user who has one. */
export const passwordOf = (index) => `bench password ${index}`;
export const userName = (index) => `bench${index}`;
export const robotName = (index) => `r${index}`;

const basic = (user, password) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Where this machine has a Mosquitto; Debian puts it where only root's PATH looks. */
function findMosquitto() {
  for (const program of ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']) {
    try {
      execFileSync(program, ['-h'], { stdio: ['ignore', 'pipe', 'ignore'] });
      return program;
    } catch (error) {
      if (error.code !== 'ENOENT') return program; // -h exits with 3
    }
  }
  return undefined;
}

/** Everything that one run of the bench has started; `stop` ends it in reverse. */
export class System {
  closers = [];
  folder = mkdtempSync(join(tmpdir(), 'rovercast-bench-'));

  /** @param profile write a CPU profile of each app into bench/results */
  constructor({ profile = false } = {}) {
    this.profile = profile;
    this.closers.push(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  async stop() {
    for (const close of this.closers.splice(0).reverse()) {
      await Promise.resolve(close()).catch((error) => console.error(`while stopping: ${error.message}`));
    }
  }

  async helper(name, settings) {
    const helper = await startHelper(join(here, `${name}.mjs`), settings);
    this.closers.push(() => helper.stop());
    return helper;
  }

  /** Postgres with the users and robots of the bench in it, and the auth app. */
  async startDoor() {
    const { deriveKeys, newSecret, Tokens } = require(libOf('auth', 'access'));
    this.secrets = Object.fromEntries(
      ['auth', 'media', 'broker', 'gateway', 'database', 'admin'].map((name) => [name, newSecret('rt')]),
    );
    this.tokens = new Tokens([deriveKeys(this.secrets.auth)]);
    this.robots = Array.from({ length: ROBOTS }, (_, index) => ({
      id: robotName(index),
      key: newSecret('rk'),
    }));
    this.databaseUrl = await this.startPostgres();
    await this.cli(['migrate']);
    await this.cli(['seed'], JSON.stringify(this.population()));
    const port = await freePort();
    this.auth = await this.startApp('auth', {
      PORT: String(port),
      AUTH_SECRET: this.secrets.auth,
      MEDIA_HOOK_SECRET: this.secrets.media,
      BROKER_HOOK_SECRET: this.secrets.broker,
      BROKER_ACCOUNTS: `gateway:${this.secrets.gateway}`,
    });
    this.door = { port, authorization: basic('media', this.secrets.media), pid: this.auth.pid };
  }

  population() {
    const grants = ['read', 'publish'].map((action) => ({ action, pattern: 'robots/**' }));
    const users = Array.from({ length: USERS }, (_, index) => ({
      username: userName(index),
      password: passwordOf(index),
      role: 'viewer',
      grants,
    }));
    users.push({ username: 'admin', password: this.secrets.admin, role: 'admin' });
    return { users, robots: this.robots };
  }

  async startPostgres() {
    const { ensureDatabase, startPostgres } = require(stackPart('postgres'));
    const port = await freePort();
    const server = await startPostgres({
      dataDir: join(this.folder, 'postgres'),
      port,
      password: this.secrets.database,
    });
    this.closers.push(() => server.stop());
    this.postgresPid = server.pid;
    return ensureDatabase(server, 'bench');
  }

  environment(settings) {
    return {
      ...process.env,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      DATABASE_URL: this.databaseUrl,
      ...settings,
    };
  }

  async cli(args, input = '') {
    const child = spawn(process.execPath, [appScript('auth', 'cli'), ...args], {
      env: this.environment({ AUTH_SECRET: this.secrets.auth }),
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.on('error', () => {}); // it ended early; its exit code says so
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`rovercast ${args.join(' ')} failed`);
  }

  async startApp(name, settings) {
    const log = join(this.folder, `${name}.log`);
    const output = openSync(log, 'a');
    const child = fork(appScript(name), [], {
      env: this.environment(settings),
      execArgv: this.profile ? ['--cpu-prof', `--cpu-prof-dir=${join(resultsDir, `profile-${name}`)}`] : [],
      stdio: ['ignore', output, output, 'ipc'],
    });
    this.closers.push(() => stopChild(child));
    try {
      await untilReady(child, name);
    } catch (error) {
      const end = readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
      throw new Error(`${error.message}:\n${end}`, { cause: error });
    }
    return { pid: child.pid, stop: () => stopChild(child) };
  }

  /** A gateway on one broker, and the token of an administrator. `monitorUrl` need not know any viewers. */
  async startGateway({ url, version }, monitorUrl) {
    const port = await freePort();
    const withLogin = new URL(url);
    withLogin.username = 'gateway';
    withLogin.password = this.secrets.gateway;
    const app = await this.startApp('gateway', {
      PORT: String(port),
      AUTH_SECRET: this.secrets.auth,
      MQTT_URL: withLogin.href,
      MQTT_VERSION: String(version),
      MONITOR_URL: monitorUrl,
      MONITOR_TOKEN: this.secrets.media,
    });
    const response = await fetch(`http://127.0.0.1:${port}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: this.secrets.admin }),
    });
    if (response.status !== 200) throw new Error(`the login at the gateway answers ${response.status}`);
    const { accessToken } = await response.json();
    return { ...app, port, token: accessToken };
  }

  /** The brokers that this machine has, each with the way to start it. */
  brokers() {
    const mosquitto = findMosquitto();
    return [
      { name: 'aedes', start: () => this.startAedes() },
      ...(mosquitto ? [{ name: 'mosquitto', start: () => this.startMosquitto(mosquitto) }] : []),
    ];
  }

  async startAedes() {
    const authnUrl = `http://127.0.0.1:${this.door.port}/mqtt/authn`;
    const { url, stop } = await this.helper('aedes-broker', { authnUrl, hookSecret: this.secrets.broker });
    return { url, version: 4, stop };
  }

  async startMosquitto(program) {
    const { boundToUs } = require(stackPart('parent-death'));
    const port = await freePort();
    const config = join(this.folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'set_tcp_nodelay true',
      'persistence false',
      'allow_anonymous true',
    ];
    writeFileSync(config, `${lines.join('\n')}\nmax_queued_messages 20000\n`);
    const child = spawn(...boundToUs(program, ['-c', config], 'TERM'), { stdio: 'ignore' });
    child.on('error', () => {});
    this.closers.push(() => stopChild(child));
    const end = Date.now() + 10_000;
    while (!(await accepts(port))) {
      if (Date.now() > end) throw new Error('mosquitto does not listen');
      await delay(20);
    }
    return { url: `mqtt://127.0.0.1:${port}`, version: 5, stop: () => stopChild(child) };
  }
}
