import { DomainError, parseAs } from '@rovercast/contracts';
import {
  GRANT_ACTIONS,
  ROBOT_KINDS,
  ROLES,
  type GrantAction,
  type RobotKind,
  type Role,
} from '@rovercast/database';
import type { Robots, Users } from '@rovercast/directory';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, ValidateNested } from 'class-validator';

class SeedGrant {
  @IsIn(GRANT_ACTIONS)
  action: GrantAction;

  @IsString()
  pattern: string;
}

class SeedUser {
  @IsString()
  username: string;

  @IsString()
  password: string;

  @IsIn(ROLES)
  role: Role;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => SeedGrant)
  grants?: SeedGrant[];
}

class SeedRobot {
  @IsString()
  id: string;

  @IsOptional()
  @IsString()
  name?: string;

  @IsOptional()
  @IsIn(ROBOT_KINDS)
  kind?: RobotKind;

  /** Of a legacy robot. */
  @IsOptional()
  @IsString()
  legacyTopic?: string;

  @IsOptional()
  @IsString()
  ownerUsername?: string;

  @IsString()
  key: string;
}

/** Users and robots that should be there. */
class Seed {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => SeedUser)
  users: SeedUser[];

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => SeedRobot)
  robots: SeedRobot[];
}

/**
 * Adds what is missing and leaves what is there as it is.
 * @throws DomainError INVALID_INPUT, NOT_FOUND for an owner who is not there
 */
export async function seed(
  document: unknown,
  { users, robots }: { users: Users; robots: Robots },
  actor: string,
): Promise<void> {
  const wanted = parseAs(Seed, document);
  for (const { grants, ...user } of wanted.users) {
    if (!(await users.accountNamed(user.username))) await users.create(user, actor);
    for (const grant of grants ?? []) await users.grant(user.username, grant, actor);
  }
  for (const { ownerUsername, ...robot } of wanted.robots) {
    if (await robots.find(robot.id)) continue;
    const owner = ownerUsername === undefined ? undefined : await users.accountNamed(ownerUsername);
    if (ownerUsername !== undefined && !owner)
      throw new DomainError('NOT_FOUND', `there is no user ${ownerUsername}`);
    await robots.create({ ...robot, ownerId: owner?.id }, actor);
  }
}
