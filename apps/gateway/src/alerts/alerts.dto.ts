import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ALERT_KINDS, type AlertKind, MAIN_CAMERA } from '@rovercast/contracts';
import { IsBoolean, IsIn, IsInt, IsNumber, IsOptional, Matches, Max, Min } from 'class-validator';
import { Paged } from '../page';
import { PageQuery } from '../paging.dto';

export const ALERT_ACTIONS = ['record-event', 'go-live'] as const;
export const ALERT_OUTCOMES = ['recorded', 'starting', 'live', 'not-started'] as const;

export class CreateAlertPolicy {
  /** Which alerts; a robot has one policy for each kind. */
  @ApiProperty({ enum: ALERT_KINDS, example: 'motion' })
  @IsIn(ALERT_KINDS)
  kind: AlertKind;

  /** 0 to 1: less sure alerts are recorded and nothing else. */
  @ApiPropertyOptional({ example: 0.8 })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(1)
  minConfidence: number = 0.5;

  /** Record it, or start the camera too. */
  @ApiPropertyOptional({ enum: ALERT_ACTIONS, example: 'go-live' })
  @IsOptional()
  @IsIn(ALERT_ACTIONS)
  action: (typeof ALERT_ACTIONS)[number] = 'record-event';

  /** How long the stream goes on although nobody watches. */
  @ApiPropertyOptional({ example: 60 })
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(3600)
  leaseSeconds: number = 60;

  @ApiPropertyOptional({ example: true })
  @IsOptional()
  @IsBoolean()
  enabled: boolean = true;
}

export class UpdateAlertPolicy {
  /** 0 to 1. */
  @ApiPropertyOptional({ example: 0.8 })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(1)
  minConfidence?: number;

  @ApiPropertyOptional({ enum: ALERT_ACTIONS, example: 'go-live' })
  @IsOptional()
  @IsIn(ALERT_ACTIONS)
  action?: (typeof ALERT_ACTIONS)[number];

  /** How long the stream goes on although nobody watches. */
  @ApiPropertyOptional({ example: 60 })
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(3600)
  leaseSeconds?: number;

  @ApiPropertyOptional({ example: false })
  @IsOptional()
  @IsBoolean()
  enabled?: boolean;
}

export class AlertPolicyView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'r1' })
  robotId: string;

  @ApiProperty({ enum: ALERT_KINDS, example: 'motion' })
  kind: AlertKind;

  @ApiProperty({ example: 0.8 })
  minConfidence: number;

  @ApiProperty({ enum: ALERT_ACTIONS })
  action: (typeof ALERT_ACTIONS)[number];

  @ApiProperty({ example: 60 })
  leaseSeconds: number;

  @ApiProperty()
  enabled: boolean;

  /** On whose account and with whose rights a stream is started: who wrote the policy last; null when that user is gone. */
  @ApiProperty({ type: String, nullable: true, example: 'admin' })
  actsFor: string | null;
}

export class AlertPolicyList {
  @ApiProperty({ type: [AlertPolicyView] })
  items: AlertPolicyView[];
}

export class AlertPageQuery extends PageQuery {
  /** `nextCursor` of the page before. */
  @ApiPropertyOptional({ example: '4711' })
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'cursor must be a nextCursor' })
  declare cursor?: string;
}

export class AlertView {
  @ApiProperty({ example: '4712' })
  id: string;

  @ApiProperty({ example: 'r1' })
  robotId: string;

  /** The robot's own name for it. */
  @ApiProperty({ example: 'a-17' })
  alertId: string;

  @ApiProperty({ example: MAIN_CAMERA })
  camera: string;

  @ApiProperty({ enum: ALERT_KINDS, example: 'motion' })
  kind: AlertKind;

  @ApiProperty({ example: 0.93 })
  confidence: number;

  /** By the robot's clock. */
  @ApiProperty({ format: 'date-time' })
  happenedAt: string;

  @ApiProperty({ format: 'date-time' })
  receivedAt: string;

  /** `recorded` and no more, `starting`, `live` once the robot took the order, `not-started` when it could not be. */
  @ApiProperty({ enum: ALERT_OUTCOMES })
  outcome: (typeof ALERT_OUTCOMES)[number];

  /** Why. */
  @ApiProperty({ type: String, nullable: true, example: null })
  detail: string | null;

  /** The stream that was started, or was running already. */
  @ApiProperty({ type: String, nullable: true, format: 'uuid' })
  streamId: string | null;
}

export class AlertPage extends Paged {
  /** Newest first. */
  @ApiProperty({ type: [AlertView] })
  items: AlertView[];
}
