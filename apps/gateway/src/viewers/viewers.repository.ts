import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

interface Who {
  path: string;
  protocol: string;
  principal: string;
  principalKind: 'user' | 'robot' | 'ticket';
  shareId: string | null;
  shareName: string | null;
  address: string;
  userAgent: string;
  startedAt: Date;
}

/** One line of the view log. */
export interface Watch extends Who {
  id: string;
  sessionId: string;
  lastSeenAt: Date;
  endedAt: Date | null;
  endReason: string | null;
  durationSeconds: number;
  outboundBytes: number;
}

/** A session on a media server, now. */
export interface MediaSession extends Who {
  id: string;
  action: 'read' | 'publish';
  node: string;
}

interface Page {
  limit: number;
  after: string | null;
}

const WATCH = `v.id, v.session_id AS "sessionId", v.path, v.protocol, v.principal, v.principal_kind AS "principalKind",
  f.id AS "shareId", f.name AS "shareName", v.address, v.user_agent AS "userAgent", v.started_at AS "startedAt",
  v.last_seen_at AS "lastSeenAt", v.ended_at AS "endedAt", v.end_reason AS "endReason",
  extract(epoch FROM coalesce(v.ended_at, v.last_seen_at) - v.started_at)::float8 AS "durationSeconds",
  v.outbound_bytes::float8 AS "outboundBytes"`;
const WATCHES = `view_log v LEFT JOIN admissions a ON a.session_id = v.session_id
  LEFT JOIN ticket_families f ON f.id = a.ticket_family`;

/** Viewers come from the view log; the publisher of a stream in service is who was let in to its path last. */
const SESSIONS = `
  SELECT v.session_id AS id, 'read' AS action, v.node, v.path, v.protocol, v.principal, v.principal_kind, a.ticket_family,
    v.address, v.user_agent, v.started_at
  FROM view_log v LEFT JOIN admissions a ON a.session_id = v.session_id WHERE v.ended_at IS NULL
  UNION ALL
  SELECT p.session_id, 'publish', p.node, p.path, p.protocol, p.principal, p.principal_kind, p.ticket_family,
    p.address, p.user_agent, p.at
  FROM streams s CROSS JOIN LATERAL (
    SELECT * FROM admissions a WHERE a.path = s.path AND a.action = 'publish' AND a.at >= s.requested_at ORDER BY a.at DESC LIMIT 1
  ) p WHERE s.ended_at IS NULL`;
const SESSION = `s.id, s.action, s.node, s.path, s.protocol, s.principal, s.principal_kind AS "principalKind",
  f.id AS "shareId", f.name AS "shareName", s.address, s.user_agent AS "userAgent", s.started_at AS "startedAt"`;

/** Who watches and who watched, in Postgres; the monitor writes it. */
@Injectable()
export class ViewersRepository {
  constructor(private readonly database: DataSource) {}

  /** Page of who watched a path during a period, newest first. */
  async ofPeriod(
    period: { path: string; from: Date; to: Date | null; history: boolean },
    page: Page,
  ): Promise<Watch[]> {
    return this.database.query<Watch[]>(
      `SELECT ${WATCH} FROM ${WATCHES}
         WHERE v.path = $3 AND ($2::bigint IS NULL OR v.id < $2)
           AND v.started_at < coalesce($5::timestamptz, 'infinity') AND coalesce(v.ended_at, 'infinity') > $4
           AND ($6::boolean OR v.ended_at IS NULL)
         ORDER BY v.id DESC LIMIT $1`,
      [page.limit, page.after, period.path, period.from, period.to, period.history],
    );
  }

  /** Page of what a user watched, with the own login or with a ticket in its name, newest first. */
  async ofUser(username: string, page: Page): Promise<Watch[]> {
    return this.database.query<Watch[]>(
      `SELECT ${WATCH} FROM ${WATCHES}
         WHERE v.principal = $3 AND v.principal_kind IN ('user', 'ticket') AND ($2::bigint IS NULL OR v.id < $2)
         ORDER BY v.id DESC LIMIT $1`,
      [page.limit, page.after, username],
    );
  }

  /** Page of sessions by id, after `after`. */
  async sessions(page: Page): Promise<MediaSession[]> {
    return this.database.query<MediaSession[]>(
      `SELECT ${SESSION} FROM (${SESSIONS}) s LEFT JOIN ticket_families f ON f.id = s.ticket_family
         WHERE $2::uuid IS NULL OR s.id > $2 ORDER BY s.id LIMIT $1`,
      [page.limit, page.after],
    );
  }

  async session(id: string): Promise<MediaSession | undefined> {
    const rows = await this.database.query<MediaSession[]>(
      `SELECT ${SESSION} FROM (${SESSIONS}) s LEFT JOIN ticket_families f ON f.id = s.ticket_family WHERE s.id = $1`,
      [id],
    );
    return rows.at(0);
  }
}
