import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

interface KeyId {
  userId: string;
  key: string;
}

interface Answer {
  status: number;
  /** Sealed. */
  body: Buffer | null;
}

export type Claim =
  { kind: 'mine' } | { kind: 'running' } | { kind: 'other-request' } | ({ kind: 'answered' } & Answer);

/** A claim that was never answered (its process died) is free again after this long. */
const ABANDONED_AFTER = '1 minute';

/** Answers by idempotency key. */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly database: DataSource) {}

  /** Takes a key, or says what became of it. */
  async claim({ userId, key }: KeyId, fingerprint: Buffer): Promise<Claim> {
    await this.database.query(
      `DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'
         OR (status IS NULL AND created_at < now() - interval '${ABANDONED_AFTER}')`,
    );
    const taken = await this.database.query<unknown[]>(
      `INSERT INTO idempotency_keys (user_id, key, fingerprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING key`,
      [userId, key, fingerprint],
    );
    if (taken.length > 0) return { kind: 'mine' };
    const rows = await this.database.query<
      { fingerprint: Buffer; status: number | null; body: Buffer | null }[]
    >('SELECT fingerprint, status, body FROM idempotency_keys WHERE user_id = $1 AND key = $2', [
      userId,
      key,
    ]);
    const found = rows.at(0);
    if (!found || (found.status === null && found.fingerprint.equals(fingerprint)))
      return { kind: 'running' };
    if (!found.fingerprint.equals(fingerprint)) return { kind: 'other-request' };
    return { kind: 'answered', status: found.status as number, body: found.body };
  }

  async keep({ userId, key }: KeyId, { status, body }: Answer): Promise<void> {
    await this.database.query(
      'UPDATE idempotency_keys SET status = $3, body = $4 WHERE user_id = $1 AND key = $2',
      [userId, key, status, body],
    );
  }

  async forget({ userId, key }: KeyId): Promise<void> {
    await this.database.query('DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2', [userId, key]);
  }
}
