import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

interface NewRefreshToken {
  family: string;
  userId: string;
  hash: Buffer;
  ttlSeconds: number;
}

export type RefreshOutcome = { kind: 'ok'; userId: string } | { kind: 'reused' } | { kind: 'unknown' };

/** Chains of refresh tokens. */
@Injectable()
export class SessionRepository {
  constructor(private readonly database: DataSource) {}

  async add({ family, userId, hash, ttlSeconds }: NewRefreshToken): Promise<void> {
    await this.database.query(
      `INSERT INTO refresh_tokens (family, user_id, hash, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 second')`,
      [family, userId, hash, ttlSeconds],
    );
  }

  /** Uses a token up and puts the next one in its place; a token that was used before ends its whole family. */
  async rotate(hash: Buffer, next: { hash: Buffer; ttlSeconds: number }): Promise<RefreshOutcome> {
    return this.database.transaction(async (tx) => {
      const rows = await tx.query<{ family: string; userId: string; spent: boolean; good: boolean }[]>(
        `SELECT family, user_id AS "userId", used_at IS NOT NULL AS spent,
           revoked_at IS NULL AND expires_at > now() AS good FROM refresh_tokens WHERE hash = $1 FOR UPDATE`,
        [hash],
      );
      const token = rows.at(0);
      if (!token) return { kind: 'unknown' };
      if (token.spent) {
        await this.revokeFamily(tx, token.family);
        return { kind: 'reused' };
      }
      if (!token.good) return { kind: 'unknown' };
      await tx.query('UPDATE refresh_tokens SET used_at = now() WHERE hash = $1', [hash]);
      await tx.query(
        `INSERT INTO refresh_tokens (family, user_id, hash, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 second')`,
        [token.family, token.userId, next.hash, next.ttlSeconds],
      );
      return { kind: 'ok', userId: token.userId };
    });
  }

  /** Ends the chain that a token belongs to. */
  async revoke(hash: Buffer): Promise<void> {
    await this.database.query(
      `UPDATE refresh_tokens SET revoked_at = now() WHERE revoked_at IS NULL
         AND family = (SELECT family FROM refresh_tokens WHERE hash = $1)`,
      [hash],
    );
  }

  private async revokeFamily(tx: Pick<DataSource, 'query'>, family: string): Promise<void> {
    await tx.query('UPDATE refresh_tokens SET revoked_at = now() WHERE family = $1 AND revoked_at IS NULL', [
      family,
    ]);
  }
}
