import { DomainError } from '@rovercast/contracts';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * SQLSTATEs of a race that may go the other way next time: serialization_failure, deadlock_detected, unique_violation (two
 * first entries of one path), lock_not_available.
 */
const RACES = new Set(['40001', '40P01', '23505', '55P03']);

const MAX_PAUSE_MS = 20;

export const sqlState = (error: unknown): string | undefined => {
  const { code, driverError } = error as { code?: string; driverError?: { code?: string } };
  return driverError?.code ?? code;
};

/**
 * Runs something again while it loses races and there is time. `attempt` learns how much is left, in milliseconds.
 * @throws DomainError DATABASE_UNREACHABLE when the time is up
 */
export async function retryRaces<T>(deadlineMs: number, attempt: (leftMs: number) => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return await attempt(Math.max(1, Math.floor(giveUpAt - performance.now())));
    } catch (error) {
      if (!RACES.has(sqlState(error) ?? '')) throw error;
      const pause = pauseMs * (0.5 + Math.random());
      if (performance.now() + pause >= giveUpAt) throw busy(error);
      await delay(pause);
    }
  }
}

const busy = (cause: unknown): DomainError =>
  new DomainError('DATABASE_UNREACHABLE', 'the quota tables are busy right now', {
    retryAfterSeconds: 1,
    cause,
  });
