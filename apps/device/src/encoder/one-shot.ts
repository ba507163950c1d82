import { spawn } from 'node:child_process';

/** How a tool ended that was run once. */
export interface OneShot {
  exitCode: number | null;
  stdout: Buffer;
  stderr: string;
  timedOut: boolean;
}

interface OneShotLimits {
  timeoutMs: number;
  /** Output beyond it ends the tool. */
  maxBytes: number;
  /** `setpriv` ties its life to ours. */
  setpriv: boolean;
}

/** Runs a tool to its end or its limits, and ends its whole process group then. Never rejects. */
export function runOnce(file: string, args: string[], limits: OneShotLimits): Promise<OneShot> {
  const [program, argv] = limits.setpriv
    ? ['setpriv', ['--pdeathsig', 'KILL', '--', file, ...args]]
    : [file, args];
  return new Promise((resolve) => {
    const child = spawn(program, argv, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let stderr = '';
    let timedOut = false;
    const kill = (): void => {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // gone already
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, limits.timeoutMs);
    const finish = (exitCode: number | null): void => {
      clearTimeout(timer);
      resolve({ exitCode, stdout: Buffer.concat(chunks), stderr, timedOut });
    };
    child.stdout.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.maxBytes) kill();
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-16_000)));
    child.on('error', (error) => {
      stderr += error.message;
      finish(null);
    });
    child.on('close', finish);
  });
}
