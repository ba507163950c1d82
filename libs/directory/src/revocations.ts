import type { RevocationRow } from '@rovercast/database';
import type { DataSource, EntityManager } from 'typeorm';

export type RevocationKind = RevocationRow['kind'];

/** What was taken away from whom. */
export interface RevocationRequest {
  kind: RevocationKind;
  /** User name, grant id, key id, robot id, ticket family id or session id, as the kind says. */
  subject: string;
  reason: string;
  requestedBy: string;
}

/** One session that was cut, as the monitor noted it. */
export interface CutSession {
  sessionId: string;
  node?: string;
  kind?: string;
  protocol?: string;
  path?: string;
  principal?: string;
  cutAfterMs?: number | null;
  verified?: boolean;
}

export interface Revocation extends RevocationRequest {
  id: string;
  requestedAt: Date;
  /** Null until all sessions were seen to be gone. */
  verifiedAt: Date | null;
  attempts: number;
  receipt: CutSession[];
}

/**
 * Asks the monitor to cut the sessions that a right had opened, with the connection that takes the right away: denied and noted
 * for cutting are one transaction. Postgres announces the row when it commits.
 * @returns the revocation's id, under which its receipt is found
 */
export async function requestRevocation(
  tx: Pick<EntityManager, 'query'>,
  { kind, subject, reason, requestedBy }: RevocationRequest,
): Promise<string> {
  const rows = await tx.query<{ id: string }[]>(
    'INSERT INTO revocations (kind, subject, reason, requested_by) VALUES ($1, $2, $3, $4) RETURNING id',
    [kind, subject, reason, requestedBy],
  );
  return rows[0].id;
}

/** The revocations that were asked for, and what became of them. */
export async function findRevocation(
  database: Pick<DataSource, 'query'>,
  id: string,
): Promise<Revocation | undefined> {
  const rows = await database.query<Revocation[]>(
    `SELECT id, kind, subject, reason, requested_by AS "requestedBy", requested_at AS "requestedAt",
       verified_at AS "verifiedAt", attempts, receipt FROM revocations WHERE id = $1`,
    [id],
  );
  return rows.at(0);
}
