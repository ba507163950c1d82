import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** How long what is learned is gathered, in milliseconds: admissions that name a key by its old hash are written by then. */
const GATHER_MS = 5_000;
/** More at once are left for their next use. */
const MAX_WAITING = 5_000;

/** The new stored form of a key that was just shown. */
export interface KeyRenewal {
  keyId: string;
  oldHash: Buffer;
  newHash: Buffer;
  /** For Mosquitto's password file; left out for a key that has one. */
  brokerVerifier?: string;
}

/**
 * Brings the stored forms of keys up to date when the keys are used, for only then they are at hand: hashed under the newest secret,
 * so that the one before can be dropped, and with a broker verifier. What fails is tried again at the next use.
 */
@Injectable()
export class KeyRenewals implements OnApplicationShutdown {
  private readonly log = new Logger(KeyRenewals.name);
  private readonly waiting = new Map<string, KeyRenewal>();
  private timer?: NodeJS.Timeout;
  private writing?: Promise<void>;

  constructor(private readonly database: DataSource) {}

  isWaiting(keyId: string): boolean {
    return this.waiting.has(keyId);
  }

  /** Takes note, and returns at once. */
  add(renewal: KeyRenewal): void {
    if (this.waiting.size >= MAX_WAITING || this.waiting.has(renewal.keyId)) return;
    this.waiting.set(renewal.keyId, renewal);
    this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
    this.timer.unref();
  }

  /** Writes what was gathered, in one statement: the policy is announced once. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
    this.writing = this.write([...this.waiting.values()]).finally(() => {
      this.waiting.clear();
      this.timer = undefined;
      this.writing = undefined;
    });
    await this.writing;
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
  }

  private async write(renewals: KeyRenewal[]): Promise<void> {
    if (renewals.length === 0) return;
    try {
      await this.database.query(
        `UPDATE stream_keys SET hash = r.new_hash, broker_verifier = coalesce(broker_verifier, r.verifier)
           FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::text[]) AS r (id, old_hash, new_hash, verifier)
           WHERE stream_keys.id = r.id AND stream_keys.hash = r.old_hash`,
        [
          renewals.map(({ keyId }) => keyId),
          renewals.map(({ oldHash }) => oldHash),
          renewals.map(({ newHash }) => newHash),
          renewals.map(({ brokerVerifier }) => brokerVerifier ?? null),
        ],
      );
      this.log.log({ msg: 'stored keys renewed', count: renewals.length });
    } catch (error) {
      this.log.warn({ msg: 'stored keys could not be renewed', error: (error as Error).message });
    }
  }
}
