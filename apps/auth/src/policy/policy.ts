import type { Grant, Principal } from '@rovercast/access';
import type { RobotKind, Role } from '@rovercast/database';

export interface UserPolicy {
  id: string;
  username: string;
  passwordHash: string | null;
  role: Role;
  disabled: boolean;
  grants: Grant[];
}

export interface RobotPolicy {
  id: string;
  kind: RobotKind;
  legacyTopic: string | null;
  disabled: boolean;
}

export type KeyOwner = { robotId: string } | { userId: string };

/** Everything that a decision needs, as of one version of the tables. Never changed once made. */
export class Policy {
  constructor(
    readonly version: string,
    private readonly usersByName: ReadonlyMap<string, UserPolicy>,
    private readonly usersById: ReadonlyMap<string, UserPolicy>,
    private readonly robots: ReadonlyMap<string, RobotPolicy>,
    /** By the hex form of the key's hash. */
    private readonly keys: ReadonlyMap<string, KeyOwner>,
  ) {}

  userNamed(username: string): UserPolicy | undefined {
    return this.usersByName.get(username);
  }

  userWithId(id: string): UserPolicy | undefined {
    return this.usersById.get(id);
  }

  robot(id: string): RobotPolicy | undefined {
    return this.robots.get(id);
  }

  ownerOfKey(hash: Buffer): KeyOwner | undefined {
    return this.keys.get(hash.toString('hex'));
  }
}

export const userPrincipal = (user: UserPolicy): Principal => ({
  kind: 'user',
  id: user.id,
  username: user.username,
  role: user.role,
  disabled: user.disabled,
  grants: user.grants,
});

export const robotPrincipal = (robot: RobotPolicy): Principal => ({
  kind: 'robot',
  robotId: robot.id,
  disabled: robot.disabled,
});
