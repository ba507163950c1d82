import type { EntityManager } from 'typeorm';

/** One line of the audit log. */
export interface AuditLine {
  /** User name, robot id or the app that acted. */
  actor: string;
  action: string;
  target: string;
  outcome?: 'ok' | 'denied' | 'failed';
  details?: Record<string, unknown>;
}

/** Writes an audit line with the caller's connection, so that the act and its record are one transaction. */
export async function audit(tx: Pick<EntityManager, 'query'>, line: AuditLine): Promise<void> {
  await tx.query(
    'INSERT INTO audit_events (actor, action, target, outcome, details) VALUES ($1, $2, $3, $4, $5)',
    [line.actor, line.action, line.target, line.outcome ?? 'ok', JSON.stringify(line.details ?? {})],
  );
}
