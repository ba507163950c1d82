import { Injectable } from '@nestjs/common';
import { audit } from '@rovercast/directory';
import { DataSource, type EntityManager } from 'typeorm';
import type { Overdue } from './overdue.rules';
import type { OpenRevocation } from './receipt.rules';

type OpenRow = Omit<OpenRevocation, 'cleanSince'> & { now: number };

/** More than this are not worked on at once. */
const OPEN_AT_ONCE = 5_000;
const MONITOR = 'monitor';

/** The outbox of revocations. */
@Injectable()
export class RevocationsRepository {
  constructor(private readonly database: DataSource) {}

  /** Those that are not done, the oldest first, and the database's clock, which alone decides about time. */
  async open(): Promise<{ revocations: Omit<OpenRevocation, 'cleanSince'>[]; now: number }> {
    const rows = await this.database.query<OpenRow[]>(
      `SELECT id, kind, subject, reason, requested_by AS "requestedBy", ${ms('requested_at')} AS "requestedAt", attempts,
         ${ms('next_attempt_at')} AS "nextAttemptAt", receipt, ${ms('clock_timestamp()')} AS now
       FROM revocations WHERE verified_at IS NULL ORDER BY requested_at LIMIT ${OPEN_AT_ONCE}`,
    );
    const now = rows.at(0)?.now ?? Date.now();
    return { revocations: rows.map(({ now: _, ...revocation }) => revocation), now };
  }

  async save(revocations: OpenRevocation[]): Promise<void> {
    if (revocations.length > 0) await update(this.database.manager, revocations, { verified: false });
  }

  /** Closes revocations whose sessions are gone, with the receipts in the audit log. */
  async finish(revocations: OpenRevocation[]): Promise<void> {
    if (revocations.length === 0) return;
    await this.database.transaction(async (tx) => {
      const closed = new Set(await update(tx, revocations, { verified: true }));
      for (const { id, kind, subject, reason, requestedBy, receipt } of revocations) {
        if (!closed.has(id)) continue;
        await audit(tx, {
          actor: MONITOR,
          action: 'revocation.verified',
          target: `${kind}:${subject}`,
          details: { revocationId: id, reason, requestedBy, sessions: receipt },
        });
      }
    });
  }

  /** Asks for sessions to be cut whose right has ended; those that are being cut already are left out. */
  async request(overdue: Overdue[]): Promise<void> {
    await this.database.query(
      `INSERT INTO revocations (kind, subject, reason, requested_by)
       SELECT 'session', o."sessionId", o.reason, $2
       FROM jsonb_to_recordset($1::jsonb) AS o ("sessionId" text, reason text)
       WHERE NOT EXISTS (
         SELECT FROM revocations r WHERE r.kind = 'session' AND r.subject = o."sessionId" AND r.verified_at IS NULL)`,
      [JSON.stringify(overdue), MONITOR],
    );
  }
}

/** @returns the ids of those that were still open */
async function update(
  tx: EntityManager,
  revocations: OpenRevocation[],
  { verified }: { verified: boolean },
): Promise<string[]> {
  const [rows] = await tx.query<[{ id: string }[], number]>(
    `UPDATE revocations r SET attempts = u.attempts, receipt = u.receipt,
       next_attempt_at = to_timestamp(u."nextAttemptAt" / 1000),
       verified_at = CASE WHEN $2 THEN clock_timestamp() END
     FROM jsonb_to_recordset($1::jsonb) AS u (id uuid, attempts integer, "nextAttemptAt" float8, receipt jsonb)
     WHERE r.id = u.id AND r.verified_at IS NULL RETURNING r.id`,
    [JSON.stringify(revocations), verified],
  );
  return rows.map(({ id }) => id);
}

const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;
