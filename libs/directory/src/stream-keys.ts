import { hashSecret, newSecret, type DerivedKeys } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import type { DataSource } from 'typeorm';
import { audit } from './audit';
import { lockHolder } from './holders';
import { requestRevocation } from './revocations';

/** A user's key for encoders and players, without the key itself. */
export interface StreamKey {
  id: string;
  /** For people. */
  name: string;
  expiresAt: Date | null;
  createdAt: Date;
}

const COLUMNS = 'id, name, expires_at AS "expiresAt", created_at AS "createdAt"';

/** Users' stream keys; only keyed hashes are stored. Every change is audited in its own transaction. */
export class StreamKeys {
  constructor(
    private readonly database: DataSource,
    private readonly keys: DerivedKeys,
  ) {}

  /** Page of a user's keys that are not revoked, by id, after `after`. */
  async list(userId: string, page: { limit: number; after: string | null }): Promise<StreamKey[]> {
    return this.database.query<StreamKey[]>(
      `SELECT ${COLUMNS} FROM stream_keys WHERE user_id = $1 AND revoked_at IS NULL AND ($3::uuid IS NULL OR id > $3)
         ORDER BY id LIMIT $2`,
      [userId, page.limit, page.after],
    );
  }

  /** @returns the key, which is shown this once @throws DomainError NOT_FOUND when there is no such user */
  async create(
    userId: string,
    { name, expiresAt }: { name: string; expiresAt: Date | null },
    actor: string,
  ): Promise<StreamKey & { key: string }> {
    const key = newSecret('sk');
    return this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, { kind: 'user', id: userId });
      const rows = await tx.query<StreamKey[]>(
        `INSERT INTO stream_keys (user_id, hash, name, expires_at) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
        [userId, hashSecret(this.keys, key), name, expiresAt],
      );
      await audit(tx, { actor, action: 'key.create', target, details: { keyId: rows[0].id, name } });
      return { ...rows[0], key };
    });
  }

  /** @returns the id of the revocation that cuts its sessions @throws DomainError NOT_FOUND */
  async revoke(userId: string, id: string, actor: string): Promise<string> {
    return this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, { kind: 'user', id: userId });
      const [, count] = await tx.query<[unknown[], number]>(
        'UPDATE stream_keys SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL',
        [id, userId],
      );
      if (count === 0) throw new DomainError('NOT_FOUND', `there is no key ${id}`);
      await audit(tx, { actor, action: 'key.revoke', target, details: { keyId: id } });
      return requestRevocation(tx, {
        kind: 'key',
        subject: id,
        reason: 'the key was revoked',
        requestedBy: actor,
      });
    });
  }
}
