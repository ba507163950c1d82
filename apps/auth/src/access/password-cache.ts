import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const GOOD_TTL_MS = 60_000;
const BAD_TTL_MS = 3_000;
const MAX_ENTRIES = 10_000;

/**
 * Remembers for a minute which password belonged to which hash. Keyed with a secret of this process over length-prefixed
 * fields, the stored hash among them, so that a changed password misses; a hit does not prolong an entry, and ends are
 * spread by a tenth so that they do not come together.
 */
export class PasswordCache {
  private readonly secret = randomBytes(32);
  private readonly running = new Map<string, Promise<boolean>>();
  private readonly entries: LRUCache<string, boolean>;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.entries = new LRUCache({ max: MAX_ENTRIES, ttlResolution: 0, perf: { now } });
  }

  get(username: string, passwordHash: string | null, password: string): boolean | undefined {
    return this.entries.get(this.key(username, passwordHash, password));
  }

  set(username: string, passwordHash: string | null, password: string, good: boolean): void {
    this.store(this.key(username, passwordHash, password), good);
  }

  /** What `verify` finds, remembered; callers that ask the same at the same time share one run of it. */
  check(
    username: string,
    passwordHash: string | null,
    password: string,
    verify: () => Promise<boolean>,
  ): Promise<boolean> {
    const key = this.key(username, passwordHash, password);
    const running = this.running.get(key);
    if (running) return running;
    const started = verify()
      .then((good) => {
        this.store(key, good);
        return good;
      })
      .finally(() => this.running.delete(key));
    this.running.set(key, started);
    return started;
  }

  clear(): void {
    this.entries.clear();
  }

  private store(key: string, good: boolean): void {
    const ttl = good ? GOOD_TTL_MS * (0.9 + Math.random() * 0.2) : BAD_TTL_MS;
    this.entries.set(key, good, { ttl });
  }

  private key(...fields: (string | null)[]): string {
    const hmac = createHmac('sha256', this.secret);
    for (const field of fields)
      hmac.update(`${field === null ? -1 : Buffer.byteLength(field)}:${field ?? ''}`);
    return hmac.digest('base64');
  }
}
