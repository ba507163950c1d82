import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { ID_PATTERN } from './names.rules';
import { EncoderStats, StreamProfile } from './stream.dto';

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

  /** The H.264 encoder that each backend will use, proven by a trial: `libx264`, `h264_v4l2m2m`, `nvv4l2h264enc`, … */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  videoEncoders?: string[];

  /** Revision of the configuration in force; 0 before the first `configure`. */
  @IsOptional()
  @IsInt()
  configRevision?: number;
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

/** Largest picture that a robot uploads, in bytes. */
export const SNAPSHOT_MAX_BYTES = 262_144;

/**
 * Take one JPEG and PUT it to `uploadUrl` (`Content-Type: image/jpeg`, `Authorization: Bearer <token>`). `accepted` says that the
 * robot will try; the upload itself is the result, and `evt/snapshot` says what became of it.
 */
export class SnapshotOrder extends PlainOrder {
  @Matches(ID_PATTERN)
  camera: string;

  /** Where to PUT the picture. @example https://rovercast.example.org/v1/snapshots/4f1c */
  @IsUrl({ protocols: ['http', 'https'], require_tld: false, require_protocol: true, disallow_auth: true })
  @MaxLength(512)
  uploadUrl: string;

  /** Good for this one upload. */
  @Matches(/^[A-Za-z0-9._~-]{1,512}$/, { message: 'token must be 1 to 512 of A-Z a-z 0-9 . _ ~ -' })
  token: string;
}

/** What became of a snapshot order (`evt/snapshot`). */
export class SnapshotEvent {
  @IsIn([1])
  v: 1;

  @IsString()
  @MaxLength(64)
  requestId: string;

  @Matches(ID_PATTERN)
  camera: string;

  /** The picture arrived at `uploadUrl`. */
  @IsBoolean()
  uploaded: boolean;

  @IsOptional()
  @IsInt()
  @Min(0)
  sizeBytes?: number;

  /** For people; scrubbed of credentials. */
  @IsOptional()
  @IsString()
  @MaxLength(512)
  detail?: string;
}

/** The profile of one camera where a wish names none. */
export class CameraProfile {
  @Matches(ID_PATTERN)
  camera: string;

  @ValidateNested()
  @Type(() => StreamProfile)
  profile: StreamProfile;
}

/** What can be set from afar. A key left out keeps its value. */
export class RobotConfiguration {
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(32)
  @ValidateNested({ each: true })
  @Type(() => CameraProfile)
  profiles?: CameraProfile[];

  /** Seconds between two telemetry events. */
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(3_600)
  telemetrySeconds?: number;
}

/**
 * Change the robot's configuration. `accepted` once it is on disk; `noop` when that revision is in force, `stale` when a newer one is;
 * `rejected` names an unknown key or camera.
 */
export class ConfigureOrder extends PlainOrder {
  /** Only grows, per robot. */
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  revision: number;

  @ValidateNested()
  @Type(() => RobotConfiguration)
  config: RobotConfiguration;
}

/**
 * Why a source gives no picture: nothing is there, somebody else has it, it refuses us, its host does not answer, it went silent,
 * it holds no video that can be decoded, no tool on this robot reads it, anything else.
 */
export const PROBE_PROBLEMS = [
  'missing',
  'busy',
  'denied',
  'unreachable',
  'timeout',
  'no_video',
  'no_tool',
  'other',
] as const;
export type ProbeProblem = (typeof PROBE_PROBLEMS)[number];

/** What one camera's source is, or why it cannot be read. */
export class ProbedCamera {
  @Matches(ID_PATTERN)
  camera: string;

  @IsBoolean()
  ok: boolean;

  /** @example h264 */
  @IsOptional()
  @IsString()
  @MaxLength(32)
  codec?: string;

  @IsOptional()
  @IsInt()
  width?: number;

  @IsOptional()
  @IsInt()
  height?: number;

  @IsOptional()
  @IsNumber()
  fps?: number;

  /** An encoder of ours reads the camera now, so it was not opened a second time. */
  @IsOptional()
  @IsBoolean()
  inUse?: boolean;

  /** Why not, when not `ok`. */
  @IsOptional()
  @IsIn(PROBE_PROBLEMS)
  problem?: ProbeProblem;

  /** For people; scrubbed of credentials. */
  @IsOptional()
  @IsString()
  @MaxLength(300)
  detail?: string;
}

/** One H.264 encoder that was tried for a second. */
export class ProbedEncoder {
  @IsIn(['ffmpeg', 'gstreamer'])
  backend: 'ffmpeg' | 'gstreamer';

  /** @example h264_v4l2m2m */
  @IsString()
  @MaxLength(32)
  name: string;

  @IsBoolean()
  hardware: boolean;

  @IsBoolean()
  works: boolean;

  /** The one that this backend will use. */
  @IsBoolean()
  chosen: boolean;
}

/** The answer to the order `probe` (`evt/probe`), at most 4 KB. */
export class ProbeReport {
  @IsIn([1])
  v: 1;

  /** Of the order. */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  requestId?: string;

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ProbedCamera)
  cameras: ProbedCamera[];

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ProbedEncoder)
  encoders: ProbedEncoder[];

  /** Cameras were left out to keep the report below 4 KB. */
  @IsOptional()
  @IsBoolean()
  truncated?: boolean;
}

/** One camera's part of the telemetry. */
export class CameraTelemetry {
  @Matches(ID_PATTERN)
  camera: string;

  @IsString()
  @MaxLength(16)
  state: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => EncoderStats)
  stats?: EncoderStats;

  /** Encoder restarts within this live period. */
  @IsInt()
  restarts: number;

  /**
   * Without a picture at the last change of profile or session, in milliseconds: from the word to stop the old encoder to the
   * first frame of the new one.
   */
  @IsOptional()
  @IsInt()
  lastGapMs?: number;
}

/** How the robot is (`evt/telemetry`), every 30 s unless configured otherwise. */
export class TelemetryEvent {
  @IsIn([1])
  v: 1;

  /** Epoch milliseconds by the robot's clock. */
  @IsInt()
  at: number;

  @IsString()
  @MaxLength(64)
  bootId: string;

  /** Of the whole machine, all cores together, 0 to 100, since the event before. */
  @IsOptional()
  @IsNumber()
  cpuPercent?: number;

  @IsInt()
  memoryTotalBytes: number;

  @IsInt()
  memoryAvailableBytes: number;

  /** Resident memory of the agent itself. */
  @IsInt()
  agentRssBytes: number;

  /** The hottest zone, degrees Celsius; absent where the machine tells none. */
  @IsOptional()
  @IsNumber()
  temperatureCelsius?: number;

  /** Of the agent. */
  @IsInt()
  uptimeSeconds: number;

  /** Connections to the broker after the first one, in this life of the agent. */
  @IsInt()
  reconnects: number;

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => CameraTelemetry)
  cameras: CameraTelemetry[];
}

export const ALERT_KINDS = ['motion', 'sound', 'fall', 'manual'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** The robot saw or heard something and asks to go live (`evt/alert`). It decides nothing: the gateway's policy does. */
export class AlertEvent {
  @IsIn([1])
  v: 1;

  /** Made by the robot; a repeated delivery carries the same. */
  @IsString()
  @MaxLength(64)
  alertId: string;

  @IsIn(ALERT_KINDS)
  kind: AlertKind;

  /** 0 to 1. */
  @IsNumber()
  @Min(0)
  @Max(1)
  confidence: number;

  @Matches(ID_PATTERN)
  camera: string;

  /** When it happened, epoch milliseconds by the robot's clock. */
  @IsInt()
  at: number;
}
