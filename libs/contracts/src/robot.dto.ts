import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { ID_PATTERN } from './names.rules';

/** Birth and last will of a robot. Retained; an offline word counts only for the connection that it names. */
export class RobotPresence {
  @IsIn([1])
  v: 1;

  @IsBoolean()
  online: boolean;

  /** New per process start. */
  @IsString()
  @MaxLength(64)
  bootId: string;

  /** +1 per connection to the broker within a boot. */
  @IsInt()
  connSeq: number;

  /** Epoch milliseconds by the robot's clock; for people only. */
  @IsInt()
  at: number;

  /** True when the robot said good-bye itself. */
  @IsBoolean()
  clean: boolean;
}

/** What a robot is. Retained. */
export class RobotInfo {
  @IsIn([1])
  v: 1;

  @IsString()
  @MaxLength(64)
  agentVersion: string;

  /** Encoder backends found, e.g. `ffmpeg`, `gstreamer`. */
  @IsArray()
  @IsString({ each: true })
  encoders: string[];

  @IsArray()
  @Matches(ID_PATTERN, { each: true })
  cameras: string[];

  @IsOptional()
  @IsString()
  @MaxLength(128)
  model?: string;
}

/** A robot asks for the newest order of a camera, because it woke to a retained wish or its ticket ran out. */
export class SyncRequest {
  @IsIn([1])
  v: 1;

  @Matches(ID_PATTERN)
  camera: string;

  /** Version that the robot holds. */
  @IsInt()
  version: number;
}

/** An order that needs no document of its own (`ping`, `sync`). */
export class PlainOrder {
  @IsIn([1])
  v: 1;

  @IsString()
  @MaxLength(64)
  requestId: string;

  /** Epoch milliseconds by the gateway's clock. */
  @IsInt()
  issuedAt: number;

  @IsOptional()
  @IsString()
  @MaxLength(256)
  replyTo?: string;
}
