import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { ID_PATTERN } from './names.rules';

/** Why a live period ended or failed. */
export const STREAM_CAUSES = [
  'user',
  'last_viewer_left',
  'lease_expired',
  'preempted',
  'admin',
  'policy',
  'robot_local',
  'superseded',
  'gateway_shutdown',
  'robot_offline',
  'no_subscriber',
  'broker_unavailable',
  'ack_timeout',
  'rejected_busy',
  'rejected_invalid',
  'rejected_unsupported',
  'rejected_unauthorized',
  'start_timeout',
  'camera_error',
  'encoder_error',
  'ingest_refused',
  'ingest_unreachable',
  'media_timeout',
  'media_lost',
  'robot_lost',
  'robot_restarted',
  'stop_timeout',
  'internal',
] as const;
export type StreamCause = (typeof STREAM_CAUSES)[number];

/** `rtp` is bare RTP over UDP, for the relay: it has no place for the ticket, which the relay holds itself. */
export const PUBLISH_PROTOCOLS = ['rtsp', 'rtmp', 'srt', 'rtp'] as const;
export type PublishProtocol = (typeof PUBLISH_PROTOCOLS)[number];

/** What the encoder should make. Numbers only: a pipeline is built from them and never from text. */
export class StreamProfile {
  /** Picture width in pixels. @example 640 */
  @IsInt()
  @Min(16)
  @Max(7680)
  width: number = 640;

  /** Picture height in pixels. @example 360 */
  @IsInt()
  @Min(16)
  @Max(4320)
  height: number = 360;

  /** Frames per second. @example 15 */
  @IsInt()
  @Min(1)
  @Max(120)
  fps: number = 15;

  /** Video bit rate in kilobits per second. @example 800 */
  @IsInt()
  @Min(32)
  @Max(100_000)
  bitrateKbps: number = 800;
}

/** Where a robot publishes, and the short-lived ticket that opens the door there. Never retained. */
export class Ingest {
  /** Publish URL without credentials. @example rtsp://media.example.org:8554/robots/r1 */
  @IsUrl({
    protocols: ['rtsp', 'rtsps', 'rtmp', 'rtmps', 'srt', 'rtp'],
    require_tld: false,
    require_protocol: true,
    disallow_auth: true,
  })
  @MaxLength(512)
  url: string;

  @IsIn(PUBLISH_PROTOCOLS)
  protocol: PublishProtocol;

  /** Publish ticket, bound to the path. */
  @IsString()
  @MaxLength(512)
  token: string;

  /** Epoch milliseconds by the gateway's clock. */
  @IsInt()
  @Min(0)
  tokenExpiresAt: number;
}

/**
 * What the gateway wants of one camera of one robot. The same document travels retained on `desired` (without `ingest`)
 * and as an acknowledged `cmd/stream` (with it); the robot's reducer treats both alike.
 */
export class StreamWish {
  /** Schema version. */
  @IsIn([1])
  v: 1;

  /** Idempotency key of this change; all copies carry the same. */
  @IsString()
  @MaxLength(64)
  requestId: string;

  /** Fencing token: from Postgres, per robot and camera, +1 per change, never reset. */
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  version: number;

  @IsIn(['on', 'off'])
  state: 'on' | 'off';

  /** One live period; a new id means that the pipeline starts anew. Null when off. */
  @IsOptional()
  @IsUUID()
  sessionId: string | null;

  /** Must equal the camera in the topic. */
  @Matches(ID_PATTERN)
  camera: string;

  /** The robot runs at most this long without renewal, in milliseconds. */
  @IsInt()
  @Min(1_000)
  @Max(600_000)
  leaseTtlMs: number;

  /** Epoch milliseconds by the gateway's clock; for logs, and for the age of a message under MQTT 3.1.1. */
  @IsInt()
  @Min(0)
  issuedAt: number;

  /** Same version, only the lease is longer. */
  @IsOptional()
  @IsBoolean()
  renew?: boolean;

  /** Why it is off. */
  @IsOptional()
  @IsIn(STREAM_CAUSES)
  cause?: StreamCause;

  @IsOptional()
  @ValidateNested()
  @Type(() => Ingest)
  ingest?: Ingest;

  @IsOptional()
  @ValidateNested()
  @Type(() => StreamProfile)
  profile?: StreamProfile;

  /** Reply topic, for robots that speak MQTT 3.1.1. */
  @IsOptional()
  @IsString()
  @MaxLength(256)
  replyTo?: string;
}

export const REPLY_CODES = ['accepted', 'noop', 'renewed', 'stale', 'expired', 'busy', 'rejected'] as const;
export type ReplyCode = (typeof REPLY_CODES)[number];

/** A robot's acknowledgement: sent once it has decided, not once the picture is there. */
export class RobotReply {
  @IsString()
  @MaxLength(64)
  requestId: string;

  /** Version that the robot holds now; absent on `ping`. */
  @IsOptional()
  @IsInt()
  version?: number;

  @IsIn(REPLY_CODES)
  code: ReplyCode;

  /** For people; never a secret. */
  @IsOptional()
  @IsString()
  @MaxLength(512)
  reason?: string;

  @IsOptional()
  @IsInt()
  retryAfterMs?: number;

  @IsString()
  @MaxLength(64)
  bootId: string;
}

export const REPORTED_STATES = ['idle', 'starting', 'live', 'stopping', 'failed'] as const;
export type ReportedState = (typeof REPORTED_STATES)[number];

/** What the encoder measured last. */
export class EncoderStats {
  /** Frames per second. */
  @IsOptional()
  @IsNumber()
  @Min(0)
  fps?: number;

  @IsOptional()
  @IsNumber()
  @Min(0)
  bitrateKbps?: number;

  /** Frames encoded since the start. */
  @IsOptional()
  @IsNumber()
  @Min(0)
  frames?: number;
}

/** What one camera of a robot does, as the robot sees it. Retained. */
export class ReportedStream {
  @IsIn([1])
  v: 1;

  /** Version of the wish that was applied last; 0 before the first. */
  @IsInt()
  @Min(0)
  version: number;

  @IsOptional()
  @IsUUID()
  sessionId: string | null;

  @IsIn(REPORTED_STATES)
  state: ReportedState;

  @IsOptional()
  @IsIn(STREAM_CAUSES)
  cause?: StreamCause;

  /** For people; scrubbed of credentials. */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  detail?: string;

  /** Epoch milliseconds by the robot's clock. */
  @IsInt()
  since: number;

  @IsOptional()
  @IsInt()
  leaseRemainingMs?: number;

  @IsString()
  @MaxLength(64)
  bootId: string;

  @IsInt()
  connSeq: number;

  /** +1 per report and boot; a reader drops what goes backwards. */
  @IsInt()
  seq: number;

  /** Encoder restarts within this live period. */
  @IsOptional()
  @IsInt()
  restarts?: number;

  @IsOptional()
  @ValidateNested()
  @Type(() => EncoderStats)
  stats?: EncoderStats;
}
