import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { AccessAction, Grant } from '@rovercast/access';
import type { Role } from '@rovercast/database';
import { Pool, type PoolClient } from 'pg';
import { AuthSettings } from '../auth.settings';
import { Policy, type KeyPolicy, type RobotPolicy, type UserPolicy } from './policy';

/** How long Postgres may take to take a connection, and to say the first word on one, in milliseconds. */
const SIGN_OF_LIFE_WITHIN_MS = 1_000;
const QUERY_WITHIN_MS = 5_000;

/** The clocks of Postgres and of those who signed a ticket may differ by this. */
const CLOCKS_DIFFER = '5 minutes';

const QUERIES = {
  users:
    'SELECT id, username, password_hash AS "passwordHash", role, disabled_at IS NOT NULL AS disabled FROM users',
  grants: `SELECT g.id, g.user_id AS "userId", g.group_id AS "groupId", ug.name AS "group", g.action, g.pattern,
      g.expires_at AS "expiresAt", g.address_ranges AS "addressRanges"
    FROM grants g LEFT JOIN user_groups ug ON ug.id = g.group_id ORDER BY g.user_id IS NULL, g.id`,
  members: 'SELECT group_id AS "groupId", user_id AS "userId" FROM user_group_members',
  robots: 'SELECT id, kind, legacy_topic AS "legacyTopic", disabled_at IS NOT NULL AS disabled FROM robots',
  keys: `SELECT id, robot_id AS "robotId", user_id AS "userId", hash, expires_at AS "expiresAt",
      robot_id IS NOT NULL AND broker_verifier IS NULL AS "lacksVerifier" FROM stream_keys WHERE revoked_at IS NULL`,
  revoked: `SELECT id FROM ticket_families
    WHERE revoked_at IS NOT NULL AND greatest(expires_at, leave_at) > now() - interval '${CLOCKS_DIFFER}'`,
};

interface UserRecord {
  id: string;
  username: string;
  passwordHash: string | null;
  role: Role;
  disabled: boolean;
}
interface GrantRecord {
  id: string;
  userId: string | null;
  groupId: string | null;
  group: string | null;
  action: AccessAction;
  pattern: string;
  expiresAt: Date | null;
  addressRanges: string[];
}
interface MemberRecord {
  groupId: string;
  userId: string;
}
interface KeyRecord {
  id: string;
  robotId: string | null;
  userId: string | null;
  hash: Buffer;
  expiresAt: Date | null;
  lacksVerifier: boolean;
}
interface Records {
  version: string;
  users: UserRecord[];
  grants: GrantRecord[];
  members: MemberRecord[];
  robots: RobotPolicy[];
  keys: KeyRecord[];
  revoked: { id: string }[];
}

/**
 * Reads the policy tables, on connections of its own: one that failed is thrown away, so that the first attempt after an
 * outage is on a new one. Nothing here waits for a Postgres that says nothing.
 */
@Injectable()
export class PolicyRepository implements OnApplicationShutdown {
  private readonly pool: Pool;

  constructor({ databaseUrl }: AuthSettings) {
    this.pool = new Pool({
      connectionString: databaseUrl,
      application_name: 'auth',
      max: 2,
      connectionTimeoutMillis: SIGN_OF_LIFE_WITHIN_MS,
      statement_timeout: QUERY_WITHIN_MS,
      query_timeout: QUERY_WITHIN_MS + 500,
      idle_in_transaction_session_timeout: QUERY_WITHIN_MS,
      keepAlive: true,
    });
    this.pool.on('error', () => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }

  version(): Promise<string> {
    return this.on((client) => versionOf(client));
  }

  /** All of it, as of one moment. */
  load(): Promise<Policy> {
    return this.on(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const version = await versionOf(client);
      const read = async <T>(sql: string): Promise<T[]> => (await client.query(sql)).rows as T[];
      const records: Records = {
        version,
        users: await read(QUERIES.users),
        grants: await read(QUERIES.grants),
        members: await read(QUERIES.members),
        robots: await read(QUERIES.robots),
        keys: await read(QUERIES.keys),
        revoked: await read(QUERIES.revoked),
      };
      await client.query('COMMIT');
      return assemble(records);
    });
  }

  private async on<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    // Without a listener, a connection that breaks between two queries would end the process.
    const ignore = (): void => undefined;
    client.on('error', ignore);
    let broken = true;
    try {
      const result = await work(client);
      broken = false;
      return result;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }
}

async function versionOf(client: PoolClient): Promise<string> {
  const question = {
    text: 'SELECT version FROM policy_version',
    query_timeout: SIGN_OF_LIFE_WITHIN_MS,
  };
  const { rows } = await client.query<{ version: string }>(question);
  return rows[0].version;
}

function assemble({ version, users, grants, members, robots, keys, revoked }: Records): Policy {
  const byId = new Map<string, UserPolicy>(users.map((user) => [user.id, { ...user, grants: [] }]));
  const membersOf = new Map<string, MemberRecord[]>();
  for (const member of members)
    membersOf.set(member.groupId, [...(membersOf.get(member.groupId) ?? []), member]);
  for (const record of grants) {
    const holders =
      record.groupId === null ? [record as { userId: string }] : (membersOf.get(record.groupId) ?? []);
    const grant = toGrant(record);
    for (const { userId } of holders) byId.get(userId)?.grants.push(grant);
  }
  return new Policy(
    version,
    new Map([...byId.values()].map((user) => [user.username, user])),
    byId,
    new Map(robots.map((robot) => [robot.id, robot])),
    new Map(keys.map((key) => [key.hash.toString('hex'), toKey(key)])),
    new Set(revoked.map(({ id }) => id)),
  );
}

const toGrant = ({ id, action, pattern, expiresAt, addressRanges, group }: GrantRecord): Grant => ({
  id,
  action,
  pattern,
  expiresAt: expiresAt?.getTime() ?? null,
  ...(addressRanges.length > 0 && { addressRanges }),
  ...(group !== null && { group }),
});

const toKey = ({ id, robotId, userId, expiresAt, lacksVerifier }: KeyRecord): KeyPolicy => ({
  id,
  owner: robotId !== null ? { robotId } : { userId: userId as string },
  expiresAt: expiresAt?.getTime() ?? null,
  lacksVerifier,
});
