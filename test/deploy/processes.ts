import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** The machine's commands, those for administrators too. */
const PATH = `${process.env.PATH}:/usr/sbin`;

export const has = (command: string, argument = '--version'): boolean =>
  spawnSync(command, [argument], { env: { PATH } }).error === undefined;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Programs of one test file; all of them end with it. */
export class Processes {
  private readonly children = new Set<ChildProcess>();

  /** @param environment all of it: nothing of ours is passed on but the PATH */
  start(command: string, args: string[], environment: Record<string, string> = {}) {
    const child = spawn(command, args, { env: { PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.children.add(child);
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString('latin1')));
    child.stderr.on('data', (text: Buffer) => (output += text.toString('latin1')));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    return {
      exited,
      output: () => output,
      signal: (name: NodeJS.Signals) => child.kill(name),
      running: () => child.exitCode === null && child.signalCode === null,
    };
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      [...this.children].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
        await gone;
        clearTimeout(timer);
      }),
    );
    this.children.clear();
  }
}
