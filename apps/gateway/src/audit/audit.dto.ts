import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type AccessAction, type AccessReason } from '@rovercast/access';
import { GRANT_ACTIONS } from '@rovercast/database';
import { isValidPath } from '@rovercast/contracts';
import { IsIn, IsIP, IsNumberString, IsString, Length, ValidateBy } from 'class-validator';
import { IfGiven, Paged } from '../page';
import { PageQuery } from '../paging.dto';

const OUTCOMES = ['COVERS', 'OTHER_ACTION', 'OTHER_PATH', 'EXPIRED', 'OTHER_ADDRESS'] as const;

export class AuditQuery extends PageQuery {
  /** User name, robot id or the app that acted. */
  @ApiPropertyOptional({ example: 'ada' })
  @IfGiven()
  @IsString()
  @Length(1, 200)
  actor?: string;

  @ApiPropertyOptional({ example: 'grant.delete' })
  @IfGiven()
  @IsString()
  @Length(1, 64)
  action?: string;

  /** User name, robot id, path or `user-group:<name>`. */
  @ApiPropertyOptional({ example: 'r1' })
  @IfGiven()
  @IsString()
  @Length(1, 200)
  target?: string;

  /** `nextCursor` of the page before. */
  @ApiPropertyOptional({ example: '1042' })
  @IfGiven()
  @IsNumberString({ no_symbols: true })
  @Length(1, 18)
  declare cursor?: string;
}

export class AuditEventView {
  @ApiProperty({ example: '1042' })
  id: string;

  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ example: 'ada' })
  actor: string;

  @ApiProperty({ example: 'grant.delete' })
  action: string;

  @ApiProperty({ example: 'bob' })
  target: string;

  @ApiProperty({ enum: ['ok', 'denied', 'failed'] })
  outcome: string;

  @ApiProperty({ type: Object, additionalProperties: true, example: { grant: 'read robots/r1/**' } })
  details: Record<string, unknown>;
}

export class AuditPage extends Paged {
  @ApiProperty({ type: [AuditEventView] })
  items: AuditEventView[];
}

export class ExplainQuery {
  /** User name. */
  @ApiProperty({ example: 'ada' })
  @IsString()
  @Length(1, 64)
  user: string;

  @ApiProperty({ enum: GRANT_ACTIONS, example: 'read' })
  @IsIn(GRANT_ACTIONS)
  action: AccessAction;

  @ApiProperty({ example: 'robots/r1' })
  @ValidateBy(
    {
      name: 'isPath',
      validator: { validate: (value: unknown) => typeof value === 'string' && isValidPath(value) },
    },
    { message: '$property must be a path such as robots/r1' },
  )
  path: string;

  /** Where the client would come from; without it, rights that hold in some address ranges only do not count. */
  @ApiPropertyOptional({ example: '192.0.2.7' })
  @IfGiven()
  @IsIP()
  address?: string;
}

export class RuleView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: GRANT_ACTIONS, example: 'read' })
  action: AccessAction;

  @ApiProperty({ example: 'robots/r1/**' })
  pattern: string;

  /** The group of users that it comes from; null for the user's own. */
  @ApiProperty({ type: String, nullable: true, example: 'night-shift' })
  group: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  expiresAt: string | null;

  @ApiProperty({ type: [String], example: [] })
  addressRanges: string[];
}

export class ConsideredRule extends RuleView {
  /** What the rule, taken alone, says. */
  @ApiProperty({ enum: OUTCOMES, example: 'OTHER_PATH' })
  outcome: (typeof OUTCOMES)[number];
}

export class Explanation {
  @ApiProperty({ example: 'ada' })
  user: string;

  @ApiProperty({ enum: GRANT_ACTIONS, example: 'read' })
  action: AccessAction;

  @ApiProperty({ example: 'robots/r1' })
  path: string;

  @ApiProperty({ example: true })
  allow: boolean;

  @ApiProperty({ example: 'GRANTED' })
  reason: AccessReason;

  /** The grant that decided; absent when none did. */
  @ApiPropertyOptional({ type: RuleView })
  rule?: RuleView;

  /** Every grant of the user, those of its groups included. */
  @ApiProperty({ type: [ConsideredRule] })
  considered: ConsideredRule[];
}
