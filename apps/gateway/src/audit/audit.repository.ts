import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export interface AuditEvent {
  id: string;
  at: Date;
  actor: string;
  action: string;
  target: string;
  outcome: 'ok' | 'denied' | 'failed';
  details: Record<string, unknown>;
}

interface AuditFilter {
  actor?: string;
  action?: string;
  target?: string;
}

/** The audit log in Postgres. */
@Injectable()
export class AuditRepository {
  constructor(private readonly database: DataSource) {}

  /** Page of events, newest first, before the event `after`; each filter is the whole text. */
  async list(
    { actor, action, target }: AuditFilter,
    page: { limit: number; after: string | null },
  ): Promise<AuditEvent[]> {
    return this.database.query<AuditEvent[]>(
      `SELECT id, at, actor, action, target, outcome, details FROM audit_events
         WHERE ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR actor = $3)
           AND ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR target = $5)
         ORDER BY id DESC LIMIT $1`,
      [page.limit, page.after, actor ?? null, action ?? null, target ?? null],
    );
  }
}
