import { DomainError } from '@rovercast/contracts';
import { LRUCache } from 'lru-cache';
import { isIPv6 } from 'node:net';

const LIMIT = 10;
const WINDOW_MS = 60_000;

interface Window {
  count: number;
  endsAt: number;
}

/** Counts wrong codes per address: 10 a minute, then nothing is looked at until the minute is over. */
export class WrongTries {
  private readonly windows = new LRUCache<string, Window>({ max: 10_000 });

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts a try before it is looked at, so that many at a time gain nothing. @throws DomainError TOO_MANY_REQUESTS */
  begin(address: string): void {
    const window = this.windowOf(address);
    if (window.count >= LIMIT) {
      const retryAfterSeconds = Math.max(1, Math.ceil((window.endsAt - this.now()) / 1000));
      throw new DomainError('TOO_MANY_REQUESTS', 'too many wrong codes', { retryAfterSeconds });
    }
    window.count += 1;
  }

  /** The try was a good one. */
  takeBack(address: string): void {
    this.windowOf(address).count -= 1;
  }

  private windowOf(address: string): Window {
    const place = placeOf(address);
    const known = this.windows.get(place);
    if (known && known.endsAt > this.now()) return known;
    const fresh = { count: 0, endsAt: this.now() + WINDOW_MS };
    this.windows.set(place, fresh);
    return fresh;
  }
}

/** One household has 2^64 IPv6 addresses. */
function placeOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [head, tail = ''] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = address.includes('::') ? Array<string>(8 - left.length - right.length).fill('0') : [];
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
