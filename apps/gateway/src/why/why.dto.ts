import { ApiProperty } from '@nestjs/swagger';
import { isValidPath } from '@rovercast/contracts';
import { ValidateBy } from 'class-validator';
import { GroupLimitsDto, GroupPatternDto } from '../quotas/quotas.dto';
import { StreamView } from '../streams/streams.dto';

export class PathQuery {
  @ApiProperty({ example: 'robots/r1' })
  @ValidateBy(
    {
      name: 'isPath',
      validator: { validate: (value: unknown) => typeof value === 'string' && isValidPath(value) },
    },
    { message: '$property must be a path such as robots/r1' },
  )
  path: string;
}

export class WhyGroup {
  @ApiProperty({ example: 'metro_' })
  name: string;

  /** The pattern that covers the path most closely. */
  @ApiProperty({ type: GroupPatternDto })
  pattern: GroupPatternDto;

  @ApiProperty({ type: GroupLimitsDto })
  limits: GroupLimitsDto;
}

export class WhyHolder {
  @ApiProperty({ enum: ['robot', 'camera', 'user', 'service', 'unknown'], example: 'robot' })
  kind: string;

  @ApiProperty({ example: 'r1' })
  id: string;
}

export class WhySlot {
  @ApiProperty({ enum: ['reserved', 'active', 'ended'] })
  state: string;

  @ApiProperty({ format: 'date-time' })
  since: string;

  /** When it ends unless its stream comes. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  reservedUntil: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  endedAt: string | null;

  /** Why it ended. */
  @ApiProperty({ type: String, nullable: true, enum: ['STOPPED', 'GONE', 'KICKED', 'REVOKED', 'EXPIRED'] })
  reason: string | null;

  /** Null for a person whom only admins and operators are told. */
  @ApiProperty({ type: WhyHolder, nullable: true })
  holder: WhyHolder | null;
}

export class WhyCount {
  @ApiProperty({ example: 12 })
  used: number;

  /** Null: no limit. */
  @ApiProperty({ type: Number, nullable: true, example: 30 })
  limit: number | null;
}

export class WhyUsage {
  /** Null for a path that belongs to no group. */
  @ApiProperty({ type: WhyCount, nullable: true })
  group: WhyCount | null;

  @ApiProperty({ type: WhyCount })
  total: WhyCount;
}

export class WhyAdmission {
  @ApiProperty({ example: true })
  admitted: boolean;

  /** `HELD`: it has its slot already. */
  @ApiProperty({
    enum: [
      'ROOM',
      'HELD',
      'NO_GROUP',
      'PATH_TAKEN',
      'GROUP_FULL',
      'TOTAL_FULL',
      'USER_FULL',
      'PRINCIPAL_PENDING',
      'GROUP_PENDING',
    ],
  })
  reason: string;

  /** Of the limit that decides. */
  @ApiProperty({ type: Number, nullable: true, example: 12 })
  used: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 30 })
  limit: number | null;

  /** What has to happen first. */
  @ApiProperty({ type: String, nullable: true, example: null })
  wouldFree: string | null;

  @ApiProperty({ type: Number, nullable: true, example: null })
  retryAfterSeconds: number | null;
}

export class WhyHeld {
  @ApiProperty({ example: 'robots/r2' })
  path: string;

  @ApiProperty({ enum: ['reserved', 'active'] })
  state: string;

  @ApiProperty({ format: 'date-time' })
  since: string;

  /** Null for a person whom only admins and operators are told. */
  @ApiProperty({ type: WhyHolder, nullable: true })
  holder: WhyHolder | null;
}

export class QuotaWhy {
  @ApiProperty({ example: 'robots/r1' })
  path: string;

  /** Null: nobody may stream there. */
  @ApiProperty({ type: WhyGroup, nullable: true })
  group: WhyGroup | null;

  /** The path's slot, or the last that it had. */
  @ApiProperty({ type: WhySlot, nullable: true })
  slot: WhySlot | null;

  @ApiProperty({ type: WhyUsage })
  usage: WhyUsage;

  /** Whether a start by you would get a slot now. */
  @ApiProperty({ type: WhyAdmission })
  admission: WhyAdmission;

  /** Who has the group's slots, on paths that you may know of; ten at most, the oldest first. */
  @ApiProperty({ type: [WhyHeld] })
  holders: WhyHeld[];

  /** Slots of which one would have to end for a start; none while there is room. */
  @ApiProperty({ type: [WhyHeld] })
  whatWouldFree: WhyHeld[];
}

export class WhyViewers {
  @ApiProperty({ example: 'hls' })
  protocol: string;

  @ApiProperty({ example: 3 })
  count: number;
}

export class WhyDecision {
  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ enum: ['read', 'publish'] })
  action: string;

  @ApiProperty({ example: 'rtsp' })
  protocol: string;

  @ApiProperty({ enum: ['user', 'robot', 'ticket'] })
  principalKind: string;

  @ApiProperty({ example: 'ada' })
  principal: string;

  @ApiProperty({ example: '192.0.2.7' })
  address: string;

  @ApiProperty({ example: 'media-1' })
  node: string;
}

export class WhyAudit {
  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ example: 'ada' })
  actor: string;

  @ApiProperty({ example: 'group.update' })
  action: string;

  @ApiProperty({ example: 'metro_' })
  target: string;

  @ApiProperty({ enum: ['ok', 'denied', 'failed'] })
  outcome: string;
}

export class StreamWhy extends QuotaWhy {
  @ApiProperty({ type: StreamView })
  stream: StreamView;

  /** Who watches now. */
  @ApiProperty({ type: [WhyViewers] })
  sessions: WhyViewers[];

  /** Who was let in to the path last, within a day; null unless you are an admin, or an operator who may control it. */
  @ApiProperty({ type: [WhyDecision], nullable: true })
  decisions: WhyDecision[] | null;

  /** What was done last to the path, its robot or camera and its limits; null for whom `decisions` is null. */
  @ApiProperty({ type: [WhyAudit], nullable: true })
  audit: WhyAudit[] | null;
}
