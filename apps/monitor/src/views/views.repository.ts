import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { OpenView, ViewAction } from './views.rules';

const RECORD = `"sessionId" uuid, kind text, path text, protocol text, "principalKind" text, principal text, address text,
  "userAgent" text, "startedAt" float8, "lastSeenAt" float8, "outboundBytes" bigint, reason text`;

/** The view log of one media server. */
@Injectable()
export class ViewsRepository {
  constructor(private readonly database: DataSource) {}

  async open(node: string): Promise<OpenView[]> {
    return this.database.query<OpenView[]>(
      `SELECT session_id AS "sessionId", kind, path, protocol, principal_kind AS "principalKind", principal, address,
         user_agent AS "userAgent", ${ms('started_at')} AS "startedAt", ${ms('last_seen_at')} AS "lastSeenAt",
         outbound_bytes::float8 AS "outboundBytes", ${ms('last_seen_at')} AS "writtenAt", 0 AS "absentLooks"
       FROM view_log WHERE node = $1 AND ended_at IS NULL`,
      [node],
    );
  }

  /** All of it, or nothing. */
  async write(node: string, actions: ViewAction[]): Promise<void> {
    const rows = (wanted: ViewAction['do']): object[] =>
      actions
        .filter((action) => action.do === wanted)
        .map((action) => ({ ...action.view, ...(action.do === 'close' && { reason: action.reason }) }));
    await this.database.transaction(async (tx) => {
      await insert(tx, node, rows('open'));
      await update(tx, node, [...rows('touch'), ...rows('close')]);
    });
  }
}

/** A session that was taken for ended, and is back, goes on. */
async function insert(tx: EntityManager, node: string, rows: object[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO view_log (node, session_id, kind, path, protocol, principal_kind, principal, address, user_agent, started_at,
       last_seen_at, outbound_bytes)
     SELECT $1, v."sessionId", v.kind, v.path, v.protocol, v."principalKind", v.principal, v.address, v."userAgent",
       ${time('v."startedAt"')}, ${time('v."lastSeenAt"')}, v."outboundBytes"
     FROM jsonb_to_recordset($2::jsonb) AS v (${RECORD})
     ON CONFLICT (node, session_id) DO UPDATE SET ended_at = NULL, end_reason = NULL, last_seen_at = excluded.last_seen_at,
       outbound_bytes = greatest(view_log.outbound_bytes, excluded.outbound_bytes)`,
    [node, JSON.stringify(rows)],
  );
}

async function update(tx: EntityManager, node: string, rows: object[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `UPDATE view_log l SET last_seen_at = ${time('v."lastSeenAt"')}, outbound_bytes = v."outboundBytes",
       principal_kind = v."principalKind", principal = v.principal, address = v.address, user_agent = v."userAgent",
       end_reason = v.reason, ended_at = CASE WHEN v.reason IS NOT NULL THEN ${time('v."lastSeenAt"')} END
     FROM jsonb_to_recordset($2::jsonb) AS v (${RECORD})
     WHERE l.node = $1 AND l.session_id = v."sessionId" AND l.ended_at IS NULL`,
    [node, JSON.stringify(rows)],
  );
}

const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;
const time = (expression: string): string => `to_timestamp(${expression} / 1000)`;
