import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Principal } from './why.rules';

export interface LastSlot {
  id: string;
  state: 'reserved' | 'active' | 'ended';
  principal: Principal;
  group: string;
  since: Date;
  reservedUntil: Date | null;
  endedAt: Date | null;
  reason: string | null;
}

export interface Decision {
  at: Date;
  action: string;
  protocol: string;
  principalKind: string;
  principal: string;
  address: string;
  node: string;
}

export interface AuditLine {
  at: Date;
  actor: string;
  action: string;
  target: string;
  outcome: string;
}

/** Lines of each kind that are shown. */
const LAST = 10;

/** What Postgres knows about one path. */
@Injectable()
export class WhyRepository {
  constructor(private readonly database: DataSource) {}

  /** The live slot of a path, or the one it had last. */
  async slot(path: string): Promise<LastSlot | undefined> {
    const rows = await this.database.query<LastSlot[]>(
      `SELECT id, state, json_build_object('kind', principal_kind, 'id', principal_id) AS principal, group_name AS "group",
         created_at AS since, CASE WHEN state = 'reserved' THEN reserved_until END AS "reservedUntil",
         ended_at AS "endedAt", reason
       FROM slots WHERE path = $1 ORDER BY (state = 'ended'), created_at DESC LIMIT 1`,
      [path],
    );
    return rows.at(0);
  }

  /** Slots of a user in a group, reserved ones of a principal, and reserved ones of the group. */
  async counts(
    group: string | null,
    userId: string,
    { kind, id }: Principal,
  ): Promise<{ user: number; pendingPrincipal: number; pendingGroup: number }> {
    const rows = await this.database.query<
      { user: number; pendingPrincipal: number; pendingGroup: number }[]
    >(
      `SELECT count(*) FILTER (WHERE group_name = $1 AND user_id = $2)::integer AS "user",
         count(*) FILTER (WHERE state = 'reserved' AND principal_kind = $3 AND principal_id = $4)::integer AS "pendingPrincipal",
         count(*) FILTER (WHERE state = 'reserved' AND group_name = $1)::integer AS "pendingGroup"
       FROM slots WHERE state IN ('reserved', 'active')`,
      [group, userId, kind, id],
    );
    return rows[0];
  }

  /** Who watches a path now, counted by protocol. */
  async viewers(path: string): Promise<{ protocol: string; count: number }[]> {
    return this.database.query<{ protocol: string; count: number }[]>(
      `SELECT protocol, count(*)::integer AS count FROM view_log WHERE path = $1 AND ended_at IS NULL
         GROUP BY protocol ORDER BY protocol`,
      [path],
    );
  }

  /** The last that were let in to a path within a day, newest first. */
  async decisions(path: string): Promise<Decision[]> {
    return this.database.query<Decision[]>(
      `SELECT at, action, protocol, principal_kind AS "principalKind", principal, address, node FROM admissions
         WHERE path = $1 AND at > now() - interval '1 day' ORDER BY at DESC LIMIT ${LAST}`,
      [path],
    );
  }

  /** The last audit lines about a path, its robot or camera, and the limits of its group; newest first. */
  async audit(about: { path: string; owner: string | null; group: string | null }): Promise<AuditLine[]> {
    return this.database.query<AuditLine[]>(
      `SELECT at, actor, action, target, outcome FROM audit_events
         WHERE target = $1
           OR (target = $2 AND split_part(action, '.', 1) IN ('robot', 'camera', 'alert-policy', 'legacy'))
           OR (target = $3 AND action LIKE 'group.%') OR action = 'quota.total'
         ORDER BY id DESC LIMIT ${LAST}`,
      [about.path, about.owner, about.group],
    );
  }
}
