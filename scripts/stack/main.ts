import { join, resolve } from 'node:path';
import { HELP, parseOptions, UsageError, type Options } from './options';
import { Stack } from './stack';

/** The checkout; this file runs as dist/stack/scripts/stack/main.js. */
const rootDir = resolve(__dirname, '../../../..');
const compiled = (app: string, file: string): string =>
  join(rootDir, 'dist', 'apps', app, 'apps', app, 'src', file);

/** One Ctrl-C can arrive twice, from the terminal and from npm. */
const SAME_SIGNAL_MS = 1_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(options: Options): Promise<number> {
  const stack = new Stack(options, {
    rootDir,
    environment: process.env,
    appScript: (app) => compiled(app, 'main.js'),
    seedScript: compiled('auth', 'cli.js'),
    say,
  });
  let stopAsked = false;
  let askedAt = 0;
  const stop = (): void => {
    if (stopAsked && Date.now() - askedAt < SAME_SIGNAL_MS) return;
    if (stopAsked) process.exit(130); // a second Ctrl-C: the children go with us
    stopAsked = true;
    askedAt = Date.now();
    say('\nStopping …');
    void stack.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.on('disconnect', stop);
  try {
    await stack.start();
    const why = await stack.failed;
    if (!stopAsked) complain(`Stopping everything: ${why}`);
  } catch (error) {
    if (!stopAsked) complain(`Rovercast did not start: ${(error as Error).message}`);
  }
  const wasAsked = stopAsked;
  stopAsked = true;
  await stack.stop();
  if (wasAsked) say('Stopped.');
  return wasAsked ? 0 : 1;
}

async function main(): Promise<number> {
  process.stdout.on('error', () => {}); // the terminal may go before us
  process.stderr.on('error', () => {});
  try {
    const options = parseOptions(process.argv.slice(2));
    if (!options.help) return await run({ ...options, dataDir: options.dataDir && resolve(options.dataDir) });
    say(HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return 1;
  }
}

void main().then((code) => process.exit(code));
