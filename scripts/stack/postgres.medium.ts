import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { choosePorts } from './ports';
import { ensureDatabase, startPostgres, type PostgresOptions, type RunningPostgres } from './postgres';

const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  for (
    const end = Date.now() + 10_000;
    !condition();
    await new Promise((resolve) => setTimeout(resolve, 20))
  ) {
    if (Date.now() > end) throw new Error('it did not happen');
  }
}

describe('the embedded Postgres', () => {
  let folder: string;
  let options: PostgresOptions;
  const started: RunningPostgres[] = [];
  const start = async (more: Partial<PostgresOptions> = {}): Promise<RunningPostgres> => {
    const server = await startPostgres({ ...options, ...more });
    started.push(server);
    return server;
  };

  beforeEach(async () => {
    // 0700 and ours: for a root that is the /root case, a folder that the server's account cannot walk through
    folder = mkdtempSync(join(tmpdir(), 'rovercast-postgres-test-'));
    const { ports } = await choosePorts({ postgres: 55_000 + (process.pid % 1000) * 4 }, '127.0.0.1');
    const logFile = join(folder, 'log');
    options = {
      dataDir: join(folder, 'data'),
      port: ports.postgres,
      password: "it's:a/p@ss",
      logFile,
      settings: FAST,
    };
  });
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps what was written over a restart', async () => {
    const first = await start();
    expect(first).toMatchObject({ adopted: false, isNew: true, port: options.port });
    expect(statSync(options.dataDir).mode & 0o777).toBe(0o700);
    const url = await ensureDatabase(first, 'rovercast');
    await query(url, 'create table robots (id text); insert into robots values (1)');
    await first.stop();
    expect(await first.ended).toBe('exit code 0');

    const second = await start();
    expect(second).toMatchObject({ adopted: false, isNew: false });
    expect(await ensureDatabase(second, 'rovercast')).toBe(url);
    expect(await query(url, 'select count(*)::int as n from robots')).toEqual([{ n: 1 }]);
  });

  it('lets nobody in without the password', async () => {
    const server = await start();
    await expect(query(server.url().replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  it('adopts a server that a killed launcher has left behind, and stops it like its own', async () => {
    const launcher = spawn(
      process.execPath,
      ['-e', launcherScript, JSON.stringify({ ...options, outlivesUs: true })],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, TS_FILE: join(__dirname, 'postgres.ts') },
      },
    );
    const [line] = (await once(launcher.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    launcher.kill('SIGKILL');
    await once(launcher, 'exit');
    expect(isAlive(pid)).toBe(true);

    const server = await start();
    expect(server).toMatchObject({ adopted: true, pid });
    expect(await query(server.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    await until(() => !isAlive(pid));
  });

  it('goes with a killed launcher where the kernel can see to it', async () => {
    if (!existsSync('/usr/bin/setpriv')) return;
    const launcher = spawn(process.execPath, ['-e', launcherScript, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TS_FILE: join(__dirname, 'postgres.ts') },
    });
    const [line] = (await once(launcher.stdout, 'data')) as [Buffer];
    launcher.kill('SIGKILL');
    await until(() => !isAlive(Number(line.toString())));
    expect((await start()).adopted).toBe(false);
  });

  it('is not fooled by a pid file that names somebody else', async () => {
    await (await start()).stop();
    writeFileSync(
      join(options.dataDir, 'postmaster.pid'),
      `${process.pid}\n/x\n1\n1\n\n127.0.0.1\n\nready\n`,
    );
    expect(await start()).toMatchObject({ adopted: false });
  });

  it('says in one sentence where to look when it does not start', async () => {
    await (await start()).stop();
    appendFileSync(join(options.dataDir, 'postgresql.conf'), '\nno_such_setting = 1\n');
    await expect(start()).rejects.toThrow(`Postgres did not start (exit code 1); see ${options.logFile}`);
    expect(readFileSync(options.logFile!, 'utf8')).toContain('no_such_setting');
  });
});

/** Starts a server from a process of its own, so that the process can be killed. */
const launcherScript = `
  const { transformSync } = require('@swc/core');
  const { readFileSync } = require('node:fs');
  require.extensions['.ts'] = (module, file) =>
    module._compile(transformSync(readFileSync(file, 'utf8'), { filename: file, jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }).code, file);
  const { startPostgres } = require(process.env.TS_FILE);
  startPostgres(JSON.parse(process.argv[1])).then((server) => { console.log(server.pid); setInterval(() => {}, 1000); });
`;
