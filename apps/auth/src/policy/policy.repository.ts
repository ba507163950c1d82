import { Injectable } from '@nestjs/common';
import type { AccessAction } from '@rovercast/access';
import type { RobotKind, Role } from '@rovercast/database';
import { DataSource } from 'typeorm';
import { Policy, type KeyOwner, type RobotPolicy, type UserPolicy } from './policy';

interface UserRecord {
  id: string;
  username: string;
  passwordHash: string | null;
  role: Role;
  disabled: boolean;
}
interface GrantRecord {
  id: string;
  userId: string;
  action: AccessAction;
  pattern: string;
  expiresAt: Date | null;
}
interface RobotRecord {
  id: string;
  kind: RobotKind;
  legacyTopic: string | null;
  disabled: boolean;
}
interface KeyRecord {
  robotId: string | null;
  userId: string | null;
  hash: Buffer;
}

/** Reads the policy tables. */
@Injectable()
export class PolicyRepository {
  constructor(private readonly database: DataSource) {}

  async version(): Promise<string> {
    const rows = await this.database.query<{ version: string }[]>('SELECT version FROM policy_version');
    return rows[0].version;
  }

  /** All of it, as of one moment. */
  load(): Promise<Policy> {
    return this.database.transaction('REPEATABLE READ', async (tx) => {
      const [{ version }] = await tx.query<{ version: string }[]>('SELECT version FROM policy_version');
      const users = await tx.query<UserRecord[]>(
        'SELECT id, username, password_hash AS "passwordHash", role, disabled_at IS NOT NULL AS disabled FROM users',
      );
      const grants = await tx.query<GrantRecord[]>(
        'SELECT id, user_id AS "userId", action, pattern, expires_at AS "expiresAt" FROM grants',
      );
      const robots = await tx.query<RobotRecord[]>(
        'SELECT id, kind, legacy_topic AS "legacyTopic", disabled_at IS NOT NULL AS disabled FROM robots',
      );
      const keys = await tx.query<KeyRecord[]>(
        'SELECT robot_id AS "robotId", user_id AS "userId", hash FROM stream_keys WHERE revoked_at IS NULL',
      );
      return assemble(version, users, grants, robots, keys);
    });
  }
}

function assemble(
  version: string,
  users: UserRecord[],
  grants: GrantRecord[],
  robots: RobotRecord[],
  keys: KeyRecord[],
): Policy {
  const byId = new Map<string, UserPolicy>(users.map((user) => [user.id, { ...user, grants: [] }]));
  for (const { userId, expiresAt, ...grant } of grants) {
    byId.get(userId)?.grants.push({ ...grant, expiresAt: expiresAt?.getTime() ?? null });
  }
  const byName = new Map([...byId.values()].map((user) => [user.username, user]));
  const robotsById = new Map<string, RobotPolicy>(robots.map((robot) => [robot.id, robot]));
  const owners = new Map<string, KeyOwner>(
    keys.map((key) => [
      key.hash.toString('hex'),
      key.robotId !== null ? { robotId: key.robotId } : { userId: key.userId as string },
    ]),
  );
  return new Policy(version, byName, byId, robotsById, owners);
}
