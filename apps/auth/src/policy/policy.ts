import type { Grant, Principal } from '@rovercast/access';
import type { RobotKind, Role } from '@rovercast/database';

export interface UserPolicy {
  id: string;
  username: string;
  passwordHash: string | null;
  role: Role;
  disabled: boolean;
  /** Its own and those of its groups. */
  grants: Grant[];
}

export interface RobotPolicy {
  id: string;
  kind: RobotKind;
  legacyTopic: string | null;
  disabled: boolean;
}

export type KeyOwner = { robotId: string } | { userId: string };

export interface KeyPolicy {
  id: string;
  owner: KeyOwner;
  /** Epoch milliseconds; null: for good. */
  expiresAt: number | null;
  /** A robot's key that Mosquitto's password file cannot be made from yet. */
  lacksVerifier: boolean;
}

/** Everything that a decision needs, as of one version of the tables. Never changed once made. */
export class Policy {
  constructor(
    readonly version: string,
    private readonly usersByName: ReadonlyMap<string, UserPolicy>,
    private readonly usersById: ReadonlyMap<string, UserPolicy>,
    private readonly robots: ReadonlyMap<string, RobotPolicy>,
    /** By the hex form of the key's hash. */
    private readonly keys: ReadonlyMap<string, KeyPolicy>,
    private readonly revokedFamilies: ReadonlySet<string> = new Set(),
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

  key(hash: Buffer): KeyPolicy | undefined {
    return this.keys.get(hash.toString('hex'));
  }

  isRevoked(ticketFamily: string): boolean {
    return this.revokedFamilies.has(ticketFamily);
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
