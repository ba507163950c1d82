/** Failed logins of one kind: of an account from one block of addresses, of a block, or of an account from anywhere. */
export interface Failures {
  /** Since they were last forgotten. */
  count: number;
  lastAt: number;
  /** Until when nothing more is tried; 0 when nothing was held up. Milliseconds, on the clock of `lastAt`. */
  lockedUntil: number;
}

export interface RegulationLimits {
  /** Failures that cost nothing. */
  free: number;
  /** Failures are forgotten this long after the last one, or after the end of the lock that it brought, in milliseconds. */
  forgetAfterMs: number;
  /** The first pause; each further failure doubles it. In milliseconds. */
  firstLockMs: number;
  longestLockMs: number;
}

const FIVE_MINUTES_MS = 300_000;
const LOCKS = { forgetAfterMs: FIVE_MINUTES_MS, firstLockMs: 1_000, longestLockMs: 900_000 };

/** Of one account from one block of addresses: the lock that a guesser meets, and that nobody else meets. */
export const PAIR_LIMITS: RegulationLimits = { free: 5, ...LOCKS };

/** Of one block, whatever the accounts; higher, because many honest people may share one. */
export const BLOCK_LIMITS: RegulationLimits = { free: 20, ...LOCKS };

/** Failures of one account from anywhere in a minute; beyond them, blocks that contributed wait for the minute to end. */
export const ACCOUNT_FAILURES_PER_MINUTE = 30;
export const MINUTE_MS = 60_000;

/** What is left of them at `now`; undefined when they are forgotten. */
export function remembered(
  failures: Failures | undefined,
  limits: RegulationLimits,
  now: number,
): Failures | undefined {
  if (!failures) return undefined;
  return now - Math.max(failures.lastAt, failures.lockedUntil) < limits.forgetAfterMs ? failures : undefined;
}

/** One failure more: from the last free one on, a pause that doubles each time. */
export function afterFailure(before: Failures | undefined, limits: RegulationLimits, now: number): Failures {
  const count = (remembered(before, limits, now)?.count ?? 0) + 1;
  const doublings = count - limits.free;
  if (doublings < 0) return { count, lastAt: now, lockedUntil: 0 };
  const pauseMs = Math.min(limits.firstLockMs * 2 ** Math.min(doublings, 30), limits.longestLockMs);
  return { count, lastAt: now, lockedUntil: now + pauseMs };
}

/**
 * How long one more try must wait, in milliseconds; 0: not at all. Tries under way count as if they had failed, so that nobody
 * gets more by asking all at once.
 */
export function waitOf(
  failures: Failures | undefined,
  underWay: number,
  limits: RegulationLimits,
  now: number,
): number {
  const known = remembered(failures, limits, now);
  if (known && known.lockedUntil > now) return known.lockedUntil - now;
  const count = known?.count ?? 0;
  const allowedAtOnce = Math.max(1, limits.free - count);
  return underWay >= allowedAtOnce ? limits.firstLockMs : 0;
}
