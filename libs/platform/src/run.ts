import { DomainError } from '@rovercast/contracts';
import { scrub } from './scrub.rules';
import { SettingsError } from './settings';

/** Something that runs until it is closed. */
export interface Running {
  close(): Promise<void>;
}

/** Longest time that a shutdown may take before the process goes anyway, in milliseconds. */
const CLOSE_TIMEOUT_MS = 8_000;

/* eslint-disable no-console -- before the app's own logger exists, and after it is gone */

/**
 * Runs one app as this process: starts it, closes it on SIGTERM, SIGINT or when the parent that forked it goes away, and
 * exits 1 with one clear sentence when it cannot start.
 */
export async function runProcess(name: string, start: () => Promise<Running>): Promise<void> {
  let running: Running | undefined;
  let closing = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(exitCode || 1), CLOSE_TIMEOUT_MS).unref();
    try {
      await running?.close();
    } finally {
      process.exit(exitCode);
    }
  };
  // Whoever read our output has gone: no reason to fail, and the signal to stop comes by another way.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  process.on('SIGTERM', () => void stop(0));
  process.on('SIGINT', () => void stop(0));
  process.on('disconnect', () => void stop(0));
  process.on('unhandledRejection', (reason) => {
    console.error(
      JSON.stringify({ level: 'error', app: name, msg: 'unhandled rejection', error: describe(reason) }),
    );
    void stop(1);
  });
  try {
    running = await start();
    process.send?.({ ready: true });
  } catch (error) {
    const isKnown = error instanceof SettingsError || error instanceof DomainError;
    const text = isKnown ? scrub(error.message) : describe(error);
    console.error(`${name}: ${text}`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  return scrub(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
