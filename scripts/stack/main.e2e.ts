import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { StackFile } from './stack-file';
import { until as eventually } from '../../test/support/until';

const launcher = resolve(__dirname, '../../dist/stack/scripts/stack/main.js');

/** One run of the compiled launcher, with what it said. */
interface Run {
  process: ChildProcess;
  said: () => string;
  exitCode: Promise<number | null>;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

async function until(what: string, condition: () => boolean, timeoutMs = 40_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !condition(); await new Promise((done) => setTimeout(done, 50))) {
    if (Date.now() > end) throw new Error(`${what}: did not happen`);
  }
}

describe('npm start', () => {
  jest.setTimeout(90_000);
  let folder: string;
  let dataDir: string;
  let runs: Run[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-start-'));
    dataDir = join(folder, 'data');
    runs = [];
  });
  afterEach(async () => {
    for (const run of runs) {
      run.process.kill('SIGTERM');
      await run.exitCode;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function launch(...argv: string[]): Run {
    const child = spawn(process.execPath, [launcher, ...argv], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const run = {
      process: child,
      said: () => said,
      exitCode: once(child, 'close').then(([code]) => code as number | null),
    };
    runs.push(run);
    return run;
  }

  async function up(...argv: string[]): Promise<Run> {
    const run = launch('--data-dir', dataDir, ...argv);
    await until(
      'banner',
      () => run.said().includes('Ctrl-C stops everything') || run.process.exitCode !== null,
    );
    if (run.process.exitCode !== null) throw new Error(run.said());
    return run;
  }

  const stackFile = (): StackFile =>
    JSON.parse(readFileSync(join(dataDir, 'stack.json'), 'utf8')) as StackFile;
  const children = (): Record<string, number> => {
    const { children: list } = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as {
      children: { name: string; pid: number }[];
    };
    return Object.fromEntries(list.map(({ name, pid }) => [name, pid]));
  };
  const postgresPid = (): number =>
    Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const everybody = (): number[] => [...Object.values(children()), postgresPid()];

  it('brings everything up, keeps its state, and leaves nobody behind on SIGTERM', async () => {
    const first = await up();
    const before = stackFile();
    for (const url of [before.gateway.url, before.auth.url, before.monitor.url]) {
      await eventually(async () => (await fetch(`${url}/health/ready`)).status === 200, {
        timeoutMs: 15_000,
      });
    }
    const pids = everybody();
    expect(pids.every(isAlive)).toBe(true);
    first.process.kill('SIGTERM');
    expect(await first.exitCode).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(join(dataDir, 'stack.json'))).toBe(false);

    await up();
    expect(stackFile().accounts).toEqual(before.accounts);
  });

  it('leaves nobody behind when it is killed, and starts again on the same data', async () => {
    const first = await up();
    const pids = everybody();
    first.process.kill('SIGKILL');
    await first.exitCode;
    await until('the end of all children', () => !pids.some(isAlive), 20_000);

    const second = await up();
    expect((await fetch(`${stackFile().gateway.url}/health/ready`)).status).toBe(200);
    second.process.kill('SIGKILL');
    await second.exitCode;
    await up(); // at once, while the killed one's children may still be going
  });

  it.each(['gateway', 'auth', 'device'])(
    'stops with exit code 1 when %s is killed, and says so',
    async (name) => {
      const run = await up();
      const pids = everybody();
      process.kill(children()[name], 'SIGKILL');
      expect(await run.exitCode).toBe(1);
      expect(run.said()).toContain(
        `Stopping everything: ${name} was killed by SIGKILL; its log is ${join(dataDir, 'logs', `${name}.log`)}`,
      );
      expect(pids.filter(isAlive)).toEqual([]);
    },
  );

  it('keeps a second one out of its data', async () => {
    await up('--no-robot');
    const second = launch('--data-dir', dataDir);
    expect(await second.exitCode).toBe(1);
    expect(second.said().trim()).toMatch(
      /^Rovercast did not start: Rovercast already runs on \S+ \(process \d+\); .*$/,
    );
  });

  it('moves to the next free port and says so', async () => {
    const squatter: Server = createServer();
    await new Promise<void>((done) => squatter.listen(0, '127.0.0.1', done));
    const { port } = squatter.address() as AddressInfo;
    const run = await up('--no-robot', '--port', String(port));
    expect(stackFile().gateway.url).not.toBe(`http://127.0.0.1:${port}`);
    expect(run.said()).toContain(`port ${port} is taken; on`);
    await new Promise((done) => squatter.close(done));
  });

  it.each([
    [['--help'], 0, /^npm start -- \[options\]/],
    [['--nonsense'], 1, /^Unknown option "--nonsense"; --help lists the options$/],
    [['--port', 'x'], 1, /^--port wants a number from 0 to 65535, not "x"$/],
  ])('answers %j', async (argv, code, text) => {
    const run = launch(...argv);
    expect(await run.exitCode).toBe(code);
    expect(run.said().trim()).toMatch(text);
  });
});
