import { Injectable } from '@nestjs/common';
import type { Grant, Principal } from '@rovercast/access';
import { DataSource } from 'typeorm';
import type { PolicyFacts } from './access.facts';

/** Whom and what to look up. */
export interface Named {
  names: string[];
  keys: string[];
  families: string[];
}

type UserFact = Extract<Principal, { kind: 'user' }>;

interface KeyRow {
  id: string;
  revoked: boolean;
  expiresAt: number | null;
}
interface FamilyRow {
  id: string;
  revoked: boolean;
  leaveAt: number | null;
}

/** Reads the rights of those who are named, their groups' included. */
@Injectable()
export class PolicyFactsRepository {
  constructor(private readonly database: DataSource) {}

  /** The version of the policy, and the database's clock in epoch milliseconds. */
  async version(): Promise<{ version: string; now: number }> {
    const rows = await this.database.query<{ version: string; now: number }[]>(
      `SELECT version, ${ms('clock_timestamp()')} AS now FROM policy_version`,
    );
    return rows[0];
  }

  load({ names, keys, families }: Named): Promise<Omit<PolicyFacts, 'rightsForTicket'>> {
    return this.database.transaction('REPEATABLE READ', async (tx) => {
      const users = await tx.query<Omit<UserFact, 'kind' | 'grants'>[]>(
        `SELECT id, username, role, disabled_at IS NOT NULL AS disabled FROM users WHERE username = ANY ($1)`,
        [names],
      );
      const grants = await tx.query<(Grant & { userId: string })[]>(
        `SELECT g.id, g.action, g.pattern, ${ms('g.expires_at')} AS "expiresAt", coalesce(g.user_id, m.user_id) AS "userId",
           g.address_ranges AS "addressRanges"
         FROM grants g LEFT JOIN user_group_members m ON m.group_id = g.group_id
         WHERE coalesce(g.user_id, m.user_id) = ANY ($1::uuid[])`,
        [users.map(({ id }) => id)],
      );
      const robots = await tx.query<{ robotId: string; disabled: boolean }[]>(
        'SELECT id AS "robotId", disabled_at IS NOT NULL AS disabled FROM robots WHERE id = ANY ($1)',
        [names],
      );
      const keyRows = await tx.query<KeyRow[]>(
        `SELECT id, revoked_at IS NOT NULL AS revoked, ${ms('expires_at')} AS "expiresAt" FROM stream_keys
         WHERE id = ANY ($1::uuid[])`,
        [keys],
      );
      const familyRows = await tx.query<FamilyRow[]>(
        `SELECT id, revoked_at IS NOT NULL AS revoked, ${ms('leave_at')} AS "leaveAt" FROM ticket_families WHERE id = ANY ($1)`,
        [families],
      );
      const [any] = await tx.query<{ anyUsers: boolean; anyRobots: boolean }[]>(
        'SELECT EXISTS (SELECT FROM users) AS "anyUsers", EXISTS (SELECT FROM robots) AS "anyRobots"',
      );
      const grantsOf = byUser(grants);
      return {
        ...any,
        users: new Map(
          users.map((user) => [
            user.username,
            { ...user, kind: 'user', grants: grantsOf.get(user.id) ?? [] } as const,
          ]),
        ),
        robots: new Map(robots.map((robot) => [robot.robotId, { ...robot, kind: 'robot' } as const])),
        keys: new Map(keyRows.map(({ id, ...key }) => [id, key])),
        families: new Map(familyRows.map(({ id, ...family }) => [id, family])),
      };
    });
  }
}

const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;

function byUser(grants: (Grant & { userId: string })[]): Map<string, Grant[]> {
  const all = new Map<string, Grant[]>();
  for (const { userId, ...grant } of grants) {
    const own = all.get(userId);
    if (own) own.push(grant);
    else all.set(userId, [grant]);
  }
  return all;
}
