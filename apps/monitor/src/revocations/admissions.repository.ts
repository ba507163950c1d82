import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Admission } from './access.facts';

const KEPT_FOR = '2 days';
/** Rows that one statement removes at most. */
const REMOVE_AT_ONCE = 10_000;

/** Reads what the door wrote, and forgets it in time. */
@Injectable()
export class AdmissionsRepository {
  constructor(private readonly database: DataSource) {}

  withIds(sessionIds: string[]): Promise<Admission[]> {
    return this.database.query<Admission[]>(
      `SELECT session_id AS "sessionId", node, CASE action WHEN 'publish' THEN 'publish' ELSE 'read' END AS action, path,
         address, user_agent AS "userAgent", principal_kind AS "principalKind", principal, grant_id AS "grantId",
         key_id AS "keyId", ticket_family AS "ticketFamily", (extract(epoch FROM leave_at) * 1000)::float8 AS "leaveAt"
       FROM admissions WHERE session_id = ANY ($1::uuid[])`,
      [sessionIds],
    );
  }

  /** Removes old rows of sessions that are over. @returns whether there may be more */
  async removeOld(liveSessionIds: string[]): Promise<boolean> {
    const [, count] = await this.database.query<[unknown[], number]>(
      `DELETE FROM admissions WHERE session_id IN (
         SELECT session_id FROM admissions a WHERE at < clock_timestamp() - $1::interval
           AND NOT EXISTS (SELECT FROM unnest($2::uuid[]) AS live (id) WHERE live.id = a.session_id)
         ORDER BY at LIMIT $3)`,
      [KEPT_FOR, liveSessionIds, REMOVE_AT_ONCE],
    );
    return count === REMOVE_AT_ONCE;
  }
}
