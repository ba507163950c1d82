import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_PATTERN } from '@rovercast/contracts';
import { MAX_PATTERNS } from '@rovercast/quota';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { Paged } from '../page';

const MAX_LIMIT = 1_000_000;

export class GroupPatternDto {
  /** `path`: whole segments, `*` and a last `**`; `prefix`: the beginning of a name. */
  @ApiProperty({ enum: ['path', 'prefix'] })
  @IsIn(['path', 'prefix'])
  kind: 'path' | 'prefix';

  @ApiProperty({ example: 'cameras/metro_' })
  @IsString()
  @Length(1, 200)
  value: string;
}

export class GroupLimitsDto {
  /** Live streams; null: no limit. */
  @ApiPropertyOptional({ type: Number, nullable: true, example: 50 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_LIMIT)
  streams?: number | null;

  @ApiPropertyOptional({ type: Number, nullable: true, example: null })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_LIMIT)
  viewersPerStream?: number | null;

  @ApiPropertyOptional({ type: Number, nullable: true, example: null })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_LIMIT)
  streamsPerUser?: number | null;
}

export class CreateGroup {
  @ApiProperty({ example: 'metro_' })
  @Matches(ID_PATTERN)
  name: string;

  /** Paths that belong to it; of several groups the most specific pattern wins. */
  @ApiProperty({ type: [GroupPatternDto] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_PATTERNS)
  @ValidateNested({ each: true })
  @Type(() => GroupPatternDto)
  patterns: GroupPatternDto[];

  @ApiPropertyOptional({ type: GroupLimitsDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => GroupLimitsDto)
  limits?: GroupLimitsDto;
}

export class UpdateGroup {
  @ApiPropertyOptional({ type: [GroupPatternDto] })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_PATTERNS)
  @ValidateNested({ each: true })
  @Type(() => GroupPatternDto)
  patterns?: GroupPatternDto[];

  /** A lower limit ends nothing: nobody is admitted until enough have ended. */
  @ApiPropertyOptional({ type: GroupLimitsDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => GroupLimitsDto)
  limits?: GroupLimitsDto;
}

export class GroupView {
  @ApiProperty({ example: 'metro_' })
  name: string;

  @ApiProperty({ type: [GroupPatternDto] })
  patterns: GroupPatternDto[];

  @ApiProperty({ type: GroupLimitsDto })
  limits: GroupLimitsDto;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class GroupPage extends Paged {
  @ApiProperty({ type: [GroupView] })
  items: GroupView[];
}

export class QuotaView {
  /** A group's name, or `*` for all of them together. */
  @ApiProperty({ example: 'metro_' })
  scope: string;

  /** Slots in use, reserved ones included. */
  @ApiProperty({ example: 12 })
  used: number;

  @ApiProperty({ type: Number, nullable: true, example: 30 })
  limit: number | null;

  /** Slots that wait for their stream. */
  @ApiProperty({ example: 1 })
  reserved: number;

  @ApiProperty({ example: 11 })
  active: number;
}

export class Quotas {
  @ApiProperty({ type: [QuotaView] })
  items: QuotaView[];
}

export class TotalLimitsDto {
  /** Live streams over all groups; null: no limit. */
  @ApiPropertyOptional({ type: Number, nullable: true, example: 500 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_LIMIT)
  streams?: number | null;
}
