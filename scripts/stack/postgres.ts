import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { readlinkSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { boundToUs } from './parent-death';
import { findPostgres, type Account, type PostgresBinaries } from './postgres-binaries';

export interface PostgresOptions {
  /** Made when absent; 0700. */
  dataDir: string;
  port: number;
  host?: string;
  password: string;
  /** Where the server writes what it has to say; nowhere when left out. */
  logFile?: string;
  /** Server settings beside ours, such as `fsync: 'off'`. */
  settings?: Record<string, string>;
  /** Let the server live on when this process is killed; the next start adopts it. */
  outlivesUs?: boolean;
}

export interface RunningPostgres {
  port: number;
  pid: number;
  /** It was running already, left behind by a launcher that was killed. */
  adopted: boolean;
  /** Its data folder was empty before. */
  isNew: boolean;
  /** Connection URL of a database, for the superuser. */
  url(database?: string): string;
  /** Resolves when a server that we started ends, with a word on how. Never for an adopted one. */
  ended: Promise<string>;
  stop(): Promise<void>;
}

const SUPERUSER = 'rovercast';
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const NOBODY = 65534;

/** What `postmaster.pid` says (one value per line: pid, data folder, start time, port, …, status). */
interface PidFile {
  pid: number;
  port: number;
  status: string;
}

function readPidFile(dataDir: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A pid file can outlive its server and name somebody else's process; Postgres always works inside its data folder. */
function isServerOf(pid: number, dataDir: string): boolean {
  if (!isAlive(pid)) return false;
  if (!existsSync('/proc/self/cwd')) return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDir);
  } catch {
    return false;
  }
}

/** Postgres refuses to run as root: there it runs as the owner of its data, or as nobody. */
function accountFor(dataDir: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = existsSync(dataDir) ? statSync(dataDir) : undefined;
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return { uid: NOBODY, gid: NOBODY };
}

/**
 * How the server names its data folder. As root the folders above may be closed to its account (/root, a mktemp -d):
 * there it inherits the open folder as descriptor 3, and that name needs no walk.
 */
const folderName = (dataDir: string, account: Account | undefined): string =>
  account ? '/proc/self/fd/3' : dataDir;

const urlOf = (options: PostgresOptions, port: number, database = 'postgres'): string =>
  `postgres://${SUPERUSER}:${encodeURIComponent(options.password)}@${options.host ?? '127.0.0.1'}:${port}/${database}`;

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes a new cluster beside its final place and moves it there whole, so that a broken-off start leaves nothing half made. */
async function createCluster(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  account?: Account,
): Promise<void> {
  const draft = `${options.dataDir}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  const passwordFile = join(tmpdir(), `rovercast-${process.pid}-${Date.now()}.pw`);
  writeFileSync(passwordFile, options.password, { mode: 0o600, flag: 'wx' });
  if (account) [draft, passwordFile].forEach((path) => chownSync(path, account.uid, account.gid));
  const descriptors = account ? [openSync(draft, 'r'), openSync(passwordFile, 'r')] : [];
  try {
    const args = ['-D', folderName(draft, account), '-U', SUPERUSER, '--auth=scram-sha-256'];
    args.push(`--pwfile=${account ? '/proc/self/fd/4' : passwordFile}`, '--encoding=UTF8', '--locale=C');
    if (options.settings?.fsync === 'off') args.push('--no-sync');
    const stdio: SpawnOptions['stdio'] = ['ignore', 'ignore', 'pipe', ...descriptors];
    const child = spawn(binaries.initdb, args, { ...account, cwd: '/', stdio });
    let complaint = '';
    child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`initdb failed: ${complaint.trim() || `exit ${code}`}`);
  } finally {
    descriptors.forEach((descriptor) => closeSync(descriptor));
    rmSync(passwordFile, { force: true });
  }
  rmSync(options.dataDir, { recursive: true, force: true });
  renameSync(draft, options.dataDir);
}

function launch(options: PostgresOptions, binaries: PostgresBinaries, account?: Account): ChildProcess {
  const settings: Record<string, string> = {
    listen_addresses: options.host ?? '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...options.settings,
  };
  const args = ['-D', folderName(options.dataDir, account), '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const [program, argv] = options.outlivesUs
    ? [binaries.postgres, args]
    : boundToUs(binaries.postgres, args, 'INT');
  const log = openSync(options.logFile ?? devNull, 'a');
  const folder = account ? [openSync(options.dataDir, 'r')] : [];
  try {
    // A group of its own: Ctrl-C in the terminal is ours to pass on, in order.
    const stdio: SpawnOptions['stdio'] = ['ignore', log, log, ...folder];
    return spawn(program, argv, { ...account, cwd: '/', detached: true, stdio });
  } finally {
    [log, ...folder].forEach((descriptor) => closeSync(descriptor));
  }
}

async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    if (condition()) return true;
    await delay(15);
  }
  return condition();
}

async function stopServer(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGINT'); // "fast": ends the sessions, flushes, goes
  if (await until(() => !isAlive(pid), STOP_TIMEOUT_MS)) return;
  process.kill(pid, 'SIGQUIT'); // "immediate": recovers at its next start
  await until(() => !isAlive(pid), STOP_TIMEOUT_MS);
}

/** Takes over a server that a killed launcher left behind; waits for one that is just going; clears a stale pid file. */
async function adopt(options: PostgresOptions): Promise<RunningPostgres | undefined> {
  const end = Date.now() + START_TIMEOUT_MS;
  for (let found = readPidFile(options.dataDir); found; found = readPidFile(options.dataDir)) {
    const { pid, port } = found;
    if (!isServerOf(pid, options.dataDir)) {
      rmSync(join(options.dataDir, 'postmaster.pid'), { force: true });
      return undefined;
    }
    if (found.status === 'ready' && (await answers(urlOf(options, port)))) {
      return {
        port,
        pid,
        adopted: true,
        isNew: false,
        url: (database) => urlOf(options, port, database),
        ended: new Promise(() => {}),
        stop: () => stopServer(pid),
      };
    }
    if (Date.now() > end) {
      throw new Error(`a Postgres that we cannot log in to (pid ${pid}) holds ${options.dataDir}`);
    }
    await delay(50);
  }
  return undefined;
}

/**
 * Starts a real Postgres on a data folder, making the folder first when it is absent; a server that still runs on it is
 * adopted. Works as root too, with no account to be created.
 * @throws Error with one sentence: no binaries for this platform, initdb failed, ended at start, not ready within 30 s
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const adopted = await adopt(options);
  if (adopted) return adopted;
  const account = accountFor(options.dataDir);
  const binaries = findPostgres(account);
  const isEmpty = !existsSync(options.dataDir) || readdirSync(options.dataDir).length === 0;
  if (isEmpty) await createCluster(options, binaries, account);
  const child = launch(options, binaries, account);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`));
  });
  let over: string | undefined;
  void ended.then((how) => (over = how));
  const isReady = (): boolean => {
    const found = readPidFile(options.dataDir);
    return found?.pid === child.pid && found?.status === 'ready';
  };
  await until(() => over !== undefined || isReady(), START_TIMEOUT_MS);
  if (over !== undefined || child.pid === undefined || !isReady()) {
    if (child.pid !== undefined && over === undefined) await stopServer(child.pid);
    const where = options.logFile ? `; see ${options.logFile}` : '';
    throw new Error(`Postgres did not start (${over ?? 'not ready in time'})${where}`);
  }
  const { pid } = child;
  child.unref();
  return {
    port: options.port,
    pid,
    adopted: false,
    isNew: isEmpty,
    url: (database) => urlOf(options, options.port, database),
    ended,
    stop: async () => {
      if (over === undefined) await stopServer(pid);
    },
  };
}

/** Makes a database unless it is there, and answers its URL. */
export async function ensureDatabase(server: RunningPostgres, name: string): Promise<string> {
  const client = new Client({ connectionString: server.url() });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return server.url(name);
}
