import { DomainError } from '@rovercast/contracts';
import { PostgresListener } from '@rovercast/database';
import type { DataSource } from 'typeorm';
import { MosquittoWriter, type Written } from './mosquitto.writer';

/** How often the files are written without having been told to, in milliseconds: announcements get lost, keys expire. */
const LOOK_AGAIN_MS = 30_000;

export interface MosquittoOptions {
  database: DataSource;
  databaseUrl: string;
  /** Gateways' logins, `user:secret` each. */
  accounts: string[];
  /** Folder of the two files. */
  out?: string;
  /** Process id of Mosquitto, which reads them anew when told to. */
  pid?: string;
  /** Go on until aborted, and write again after each change of the tables. */
  watchUntil?: AbortSignal;
  print: (line: string) => void;
}

/** Writes Mosquitto's password and access files, once or after every change. */
export async function writeMosquittoFiles(options: MosquittoOptions): Promise<void> {
  if (!options.out) throw new DomainError('INVALID_INPUT', 'broker mosquitto needs --out DIR');
  const pid = options.pid === undefined ? undefined : Number(options.pid);
  if (pid !== undefined && !(Number.isInteger(pid) && pid > 1))
    throw new DomainError('INVALID_INPUT', '--pid must be the process id of Mosquitto');
  const writer = new MosquittoWriter(options.database, options.out, options.accounts);
  const run = async (): Promise<void> => report(await writer.write(), pid, options.print);
  await run();
  if (options.watchUntil) await watch(options, run, options.watchUntil);
}

function report(
  { changed, logins, withoutVerifier }: Written,
  pid: number | undefined,
  print: (line: string) => void,
): void {
  if (!changed) return;
  print(`${logins} logins written`);
  if (withoutVerifier.length > 0)
    print(`left out until their key is used at the door once, or rotated: ${withoutVerifier.join(', ')}`);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGHUP');
  } catch (error) {
    print(`process ${pid} could not be told: ${(error as Error).message}`);
  }
}

/** One run at a time; what is announced while one runs brings one more. */
async function watch(options: MosquittoOptions, run: () => Promise<void>, until: AbortSignal): Promise<void> {
  let wake: () => void = () => undefined;
  let asked = false;
  const ask = (): void => {
    asked = true;
    wake();
  };
  const listener = new PostgresListener({
    url: options.databaseUrl,
    applicationName: 'mosquitto-files',
    channels: ['policy_changed'],
    onNotify: ask,
    onConnect: ask,
  });
  until.addEventListener('abort', () => wake());
  listener.start();
  try {
    while (!until.aborted) {
      if (!asked)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, LOOK_AGAIN_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      if (until.aborted) return;
      asked = false;
      await run().catch((error: unknown) =>
        options.print(`could not be written, will be tried again: ${(error as Error).message}`),
      );
    }
  } finally {
    await listener.close();
  }
}
