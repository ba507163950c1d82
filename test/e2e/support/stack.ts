import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../support/until';

export interface StackInfo {
  gateway: { url: string };
  auth: { url: string };
  monitor: { url: string };
  mqtt: { url: string };
  media: {
    kind: 'mediamtx' | 'embedded';
    apiUrl: string;
    rtmpUrl: string;
    rtspUrl: string;
    hlsUrl: string;
    webrtcUrl: string | null;
  };
  database: { url: string };
  accounts: Record<'admin' | 'viewer', { username: string; password: string }>;
  robot: { id: string };
}

const ROOT = join(__dirname, '../../..');
const LAUNCHER = join(ROOT, 'dist/stack/scripts/stack/main.js');

/** A whole system of its own, as `npm start` brings it up, in a temporary folder. */
export class RunningStack {
  output = '';

  private constructor(
    readonly dataDir: string,
    readonly process: ChildProcess,
  ) {
    const take = (text: Buffer): void => void (this.output += text.toString());
    process.stdout?.on('data', take);
    process.stderr?.on('data', take);
  }

  static async start(
    options: { environment?: NodeJS.ProcessEnv; args?: string[]; dataDir?: string } = {},
  ): Promise<RunningStack> {
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'rovercast-e2e-'));
    const args = [LAUNCHER, '--port', '0', '--data-dir', dataDir, ...(options.args ?? [])];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...options.environment },
      stdio: 'pipe',
    });
    const stack = new RunningStack(dataDir, child);
    await until(() => existsSync(stack.file) || child.exitCode !== null, { timeoutMs: 60_000 });
    if (child.exitCode !== null) throw new Error(`the system did not start:\n${stack.output}`);
    return stack;
  }

  get file(): string {
    return join(this.dataDir, 'stack.json');
  }

  get info(): StackInfo {
    return JSON.parse(readFileSync(this.file, 'utf8')) as StackInfo;
  }

  /** All that the parts have written to their logs. */
  logs(): string {
    const folder = join(this.dataDir, 'logs');
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill(signal);
      await ended;
    }
    return this.process.exitCode;
  }

  remove(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
