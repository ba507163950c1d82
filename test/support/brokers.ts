import { Aedes, type AedesOptions } from 'aedes';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A broker for one test file, on a free loopback port that it keeps through stop and start. */
export interface TestBroker {
  readonly url: string;
  readonly version: 4 | 5;
  stop(): Promise<void>;
  /** Starts again on the same port, with nothing remembered. */
  start(): Promise<void>;
}

/** Polls until the condition holds. @throws Error with the condition's text after `timeoutMs` */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 5_000 }: { timeoutMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** aedes in this process: MQTT 3.1.1 only. */
export async function aedesBroker(options: AedesOptions = {}): Promise<TestBroker & { broker: () => Aedes }> {
  const port = await freePort();
  let broker: Aedes;
  let server: ReturnType<typeof createServer>;
  const sockets = new Set<Socket>();
  const start = async (): Promise<void> => {
    broker = await Aedes.createBroker(options);
    server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      broker.handle(socket);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    await closed;
  };
  await start();
  return { url: `mqtt://127.0.0.1:${port}`, version: 4, start, stop, broker: () => broker };
}

export const hasMosquitto = (): boolean =>
  spawnSync('mosquitto', ['-h'], { env: { PATH: `${process.env.PATH}:/usr/sbin` } }).error === undefined;

/** The real thing: MQTT 5. `config` is added to its configuration file. */
export async function mosquittoBroker(config = 'allow_anonymous true'): Promise<TestBroker> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, `listener ${port} 127.0.0.1\nset_tcp_nodelay true\npersistence false\n${config}\n`);
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn('mosquitto', ['-c', file], {
      stdio: 'ignore',
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
    });
    await until(() => accepts(port));
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await start();
  return { url: `mqtt://127.0.0.1:${port}`, version: 5, start, stop };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connectSocket(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
