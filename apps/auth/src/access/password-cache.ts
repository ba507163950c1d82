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
  private readonly entries = new LRUCache<string, boolean>({ max: MAX_ENTRIES, ttlResolution: 0 });

  get(username: string, passwordHash: string | null, password: string): boolean | undefined {
    return this.entries.get(this.key(username, passwordHash, password));
  }

  set(username: string, passwordHash: string | null, password: string, good: boolean): void {
    const ttl = good ? GOOD_TTL_MS * (0.9 + Math.random() * 0.2) : BAD_TTL_MS;
    this.entries.set(this.key(username, passwordHash, password), good, { ttl });
  }

  clear(): void {
    this.entries.clear();
  }

  private key(...fields: (string | null)[]): string {
    const hmac = createHmac('sha256', this.secret);
    for (const field of fields)
      hmac.update(`${field === null ? -1 : Buffer.byteLength(field)}:${field ?? ''}`);
    return hmac.digest('base64');
  }
}
