import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isValidPattern, type AccessAction } from '@rovercast/access';
import { GRANT_ACTIONS } from '@rovercast/database';
import { isAddressRange } from '@rovercast/directory';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  ValidateBy,
  type ValidationOptions,
} from 'class-validator';
import { IfGiven, IsTime, Paged } from '../page';

const Satisfies = (name: string, test: (text: string) => boolean, options: ValidationOptions) =>
  ValidateBy(
    { name, validator: { validate: (value: unknown) => typeof value === 'string' && test(value) } },
    options,
  );

export class CreateGrant {
  /** `read` is to watch, `publish` to send with one's own encoder, `control` to drive the robot. */
  @ApiProperty({ enum: GRANT_ACTIONS, example: 'read' })
  @IsIn(GRANT_ACTIONS)
  action: AccessAction;

  /** Whole path segments; `*` is one segment, `**` at the end is the rest. */
  @ApiProperty({ example: 'robots/r1/**' })
  @Satisfies('isPattern', isValidPattern, {
    message: '$property must be path segments, * for one segment, ** at the end for the rest',
  })
  pattern: string;

  /** RFC 3339; left out: for good. Sessions end with the grant. */
  @ApiPropertyOptional({ type: String, nullable: true, example: '2030-01-01T00:00:00Z' })
  @IsOptional()
  @IsTime()
  expiresAt?: string | null;

  /** CIDR ranges or addresses that the client must come from; left out: from anywhere. */
  @ApiPropertyOptional({ example: ['192.0.2.0/24'] })
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(32)
  @IsString({ each: true })
  @Satisfies('isAddressRange', isAddressRange, {
    each: true,
    message: 'each of $property must be a CIDR range such as 192.0.2.0/24',
  })
  addressRanges?: string[];
}

export class StoredGrantView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: GRANT_ACTIONS, example: 'read' })
  action: AccessAction;

  @ApiProperty({ example: 'robots/r1/**' })
  pattern: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  expiresAt: string | null;

  @ApiProperty({ type: [String], example: [] })
  addressRanges: string[];

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class StoredGrantPage extends Paged {
  @ApiProperty({ type: [StoredGrantView] })
  items: StoredGrantView[];
}
