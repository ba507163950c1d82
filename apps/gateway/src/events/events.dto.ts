import { ApiProperty } from '@nestjs/swagger';
import { ALERT_KINDS, MAIN_CAMERA, STREAM_CAUSES } from '@rovercast/contracts';
import { STREAM_STATES } from '@rovercast/database';

/** `event: presence`: a robot came or went. */
export class PresenceEvent {
  @ApiProperty({ example: 'r1' })
  robotId: string;

  @ApiProperty({ example: true })
  online: boolean;
}

/** `event: stream`: a stream has a new state. */
export class StreamEvent {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'r1' })
  robotId: string;

  @ApiProperty({ example: MAIN_CAMERA })
  camera: string;

  @ApiProperty({ example: 'robots/r1' })
  path: string;

  /** `starting` is not announced. */
  @ApiProperty({ enum: STREAM_STATES, example: 'live' })
  state: string;

  /** Why it ends or has ended. */
  @ApiProperty({ type: String, nullable: true, enum: STREAM_CAUSES, example: null })
  cause: string | null;
}

/** `event: quota`: a group, or all of them (`*`), has more or fewer slots in use, or another limit. Admins and operators. */
export class QuotaEvent {
  @ApiProperty({ example: 'metro_' })
  scope: string;

  @ApiProperty({ example: 12 })
  used: number;

  @ApiProperty({ type: Number, nullable: true, example: 30 })
  limit: number | null;
}

/** `event: alert`: a robot raised an alert, or something came of it. Who may watch the camera. */
export class AlertNews {
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
  kind: string;

  @ApiProperty({ example: 0.93 })
  confidence: number;

  @ApiProperty({ format: 'date-time' })
  happenedAt: string;

  @ApiProperty({ example: 'recorded' })
  outcome: string;

  @ApiProperty({ type: String, nullable: true, format: 'uuid' })
  streamId: string | null;
}

/** `event: reset`: events may have been missed; read the lists again. */
export class ResetEvent {
  /** `missed`: your last id is too old, or another process's; `broker`, `database`: a connection was lost; `too-many` at once. */
  @ApiProperty({ enum: ['missed', 'broker', 'database', 'too-many'] })
  reason: string;
}
