import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Admission } from './admission';

/** Writes what the door let in. */
@Injectable()
export class AdmissionsRepository {
  constructor(private readonly database: DataSource) {}

  /** All in one statement; of a session that is known already the newer admission holds. */
  async write(admissions: Admission[]): Promise<void> {
    await this.database.query(
      `INSERT INTO admissions (session_id, node, at, action, path, protocol, address, user_agent, principal_kind, principal,
         grant_id, key_id, ticket_id, ticket_family, leave_at)
       SELECT a."sessionId", a.node, to_timestamp(a.at / 1000), a.action, a.path, a.protocol, a.address, a."userAgent",
         a."principalKind", a.principal, a."grantId", k.id, a."ticketId", a."ticketFamily", to_timestamp(a."leaveAt" / 1000)
       FROM jsonb_to_recordset($1::jsonb) AS a ("sessionId" uuid, node text, at float8, action text, path text, protocol text,
         address text, "userAgent" text, "principalKind" text, principal text, "grantId" uuid, "keyHash" text,
         "ticketId" text, "ticketFamily" text, "leaveAt" float8)
       LEFT JOIN stream_keys k ON k.hash = decode(a."keyHash", 'hex')
       ON CONFLICT (session_id) DO UPDATE SET node = excluded.node, at = excluded.at, action = excluded.action,
         path = excluded.path, protocol = excluded.protocol, address = excluded.address, user_agent = excluded.user_agent,
         principal_kind = excluded.principal_kind, principal = excluded.principal, grant_id = excluded.grant_id,
         key_id = excluded.key_id, ticket_id = excluded.ticket_id, ticket_family = excluded.ticket_family,
         leave_at = excluded.leave_at
       WHERE excluded.at >= admissions.at`,
      [JSON.stringify(admissions)],
    );
  }
}
