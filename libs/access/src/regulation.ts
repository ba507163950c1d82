import { LRUCache } from 'lru-cache';
import { addressBlock } from './address.rules';
import {
  ACCOUNT_FAILURES_PER_MINUTE,
  afterFailure,
  BLOCK_LIMITS,
  MINUTE_MS,
  PAIR_LIMITS,
  remembered,
  waitOf,
  type Failures,
} from './regulation.rules';

/** What one more password for an account, from an address, may do. */
export type Admittance =
  | { ok: true; attempt: Attempt }
  /** `account`: too many wrong ones for it from there; `address`: from there in all; `throttle`: for it from everywhere. */
  | { ok: false; because: 'account' | 'address' | 'throttle'; retryAfterMs: number };

/** A password that is being checked; exactly one of the three ends it. */
export interface Attempt {
  failed(): void;
  succeeded(): void;
  /** Nobody knows: the check could not be made. */
  abandoned(): void;
}

interface Minute {
  startedAt: number;
  failures: number;
}

/** Accounts and blocks that are remembered; the longest unused is forgotten first. */
const MAX_ENTRIES = 50_000;

/**
 * Slows down who tries passwords. A lock holds for one account from one block of addresses (/24 of IPv4, /64 of IPv6), or for a
 * whole block; never for an account as such, so that nobody locks its owner out from elsewhere. Only checks of passwords
 * count: what is known to be good without one, tickets, keys and calls without credentials never come here. Account names
 * that nobody has are treated like the others. In the memory of one process.
 */
export class Regulation {
  private readonly pairs = new LRUCache<string, Failures>({ max: MAX_ENTRIES });
  private readonly blocks = new LRUCache<string, Failures>({ max: MAX_ENTRIES });
  private readonly minutes = new LRUCache<string, Minute>({ max: MAX_ENTRIES });
  private readonly underWay = new Map<string, number>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Asks for one check. An address that is none counts only against the throttle: behind it may be everybody. */
  begin(account: string, address: string): Admittance {
    const now = this.now();
    const block = addressBlock(address);
    const pair = `${block ?? 'unknown'} ${account}`;
    if (block !== undefined) {
      const byAccount = waitOf(this.pairs.get(pair), this.underWay.get(pair) ?? 0, PAIR_LIMITS, now);
      if (byAccount > 0) return { ok: false, because: 'account', retryAfterMs: byAccount };
      const byAddress = waitOf(this.blocks.get(block), this.underWay.get(block) ?? 0, BLOCK_LIMITS, now);
      if (byAddress > 0) return { ok: false, because: 'address', retryAfterMs: byAddress };
    }
    const minute = this.minuteOf(account, now);
    const isClean = block !== undefined && !remembered(this.pairs.get(pair), PAIR_LIMITS, now);
    if (!isClean && minute.failures >= ACCOUNT_FAILURES_PER_MINUTE)
      return { ok: false, because: 'throttle', retryAfterMs: minute.startedAt + MINUTE_MS - now };
    return { ok: true, attempt: this.attempt(account, pair, block) };
  }

  private attempt(account: string, pair: string, block: string | undefined): Attempt {
    const places = block === undefined ? [] : [pair, block];
    for (const place of places) this.underWay.set(place, (this.underWay.get(place) ?? 0) + 1);
    let over = false;
    const end = (): boolean => {
      if (over) return false;
      over = true;
      for (const place of places) {
        const left = (this.underWay.get(place) ?? 1) - 1;
        if (left > 0) this.underWay.set(place, left);
        else this.underWay.delete(place);
      }
      return true;
    };
    return {
      failed: () => {
        if (end()) this.fail(account, pair, block);
      },
      succeeded: () => {
        if (end()) this.pairs.delete(pair);
      },
      abandoned: () => void end(),
    };
  }

  private fail(account: string, pair: string, block: string | undefined): void {
    const now = this.now();
    const minute = this.minuteOf(account, now);
    this.minutes.set(account, { ...minute, failures: minute.failures + 1 });
    if (block === undefined) return;
    this.pairs.set(pair, afterFailure(this.pairs.get(pair), PAIR_LIMITS, now));
    this.blocks.set(block, afterFailure(this.blocks.get(block), BLOCK_LIMITS, now));
  }

  private minuteOf(account: string, now: number): Minute {
    const minute = this.minutes.get(account);
    return minute && now - minute.startedAt < MINUTE_MS ? minute : { startedAt: now, failures: 0 };
  }
}
