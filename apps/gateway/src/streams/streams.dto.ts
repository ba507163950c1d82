import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_PATTERN, MAIN_CAMERA, STREAM_CAUSES, StreamProfile } from '@rovercast/contracts';
import { STREAM_STATES, type StreamState } from '@rovercast/database';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';

export const WAITS = ['none', 'ack', 'live'] as const;
export type Wait = (typeof WAITS)[number];

export class CameraQuery {
  /** Which camera of the robot. */
  @ApiPropertyOptional({ example: MAIN_CAMERA })
  @IsOptional()
  @Matches(ID_PATTERN)
  camera: string = MAIN_CAMERA;
}

export class StartQuery {
  /** How long the call waits: not at all, for the robot's word (5 s at most), for the picture (15 s at most). */
  @ApiPropertyOptional({ enum: WAITS, example: 'live' })
  @IsOptional()
  @IsIn(WAITS)
  wait: Wait = 'ack';
}

export class StartStream {
  /** Which camera of the robot. */
  @ApiPropertyOptional({ example: MAIN_CAMERA })
  @IsOptional()
  @Matches(ID_PATTERN)
  camera: string = MAIN_CAMERA;

  /** What the encoder should make; the robot's own default when left out. */
  @ApiPropertyOptional({ type: StreamProfile })
  @IsOptional()
  @ValidateNested()
  @Type(() => StreamProfile)
  profile?: StreamProfile;

  /** Keep the stream alive at least this long although nobody watches; heartbeats prolong it. */
  @ApiPropertyOptional({ example: 60 })
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(3600)
  leaseSeconds: number = 60;
}

export class Heartbeat {
  @ApiPropertyOptional({ example: MAIN_CAMERA })
  @IsOptional()
  @Matches(ID_PATTERN)
  camera: string = MAIN_CAMERA;

  /** From now on. */
  @ApiPropertyOptional({ example: 30 })
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(3600)
  leaseSeconds: number = 30;
}

export class CreateTicket {
  /** How long the link opens the stream; a session that it opened goes on. */
  @ApiPropertyOptional({ example: 600 })
  @IsOptional()
  @IsInt()
  @Min(10)
  @Max(86_400)
  expiresInSeconds: number = 600;
}

export class ViewerUrls {
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'rtsp://media.example.org:8554/robots/r1?token=eyJ…',
  })
  rtsp: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'rtmp://media.example.org:1935/robots/r1?token=eyJ…',
  })
  rtmp: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'http://media.example.org:8888/robots/r1/index.m3u8?token=eyJ…',
  })
  hls: string | null;

  /** WHEP endpoint. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'http://media.example.org:8889/robots/r1/whep?token=eyJ…',
  })
  webrtc: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'srt://media.example.org:8890?streamid=read:robots/r1:token=eyJ…',
  })
  srt: string | null;

  /** HTTP-FLV; served by the development stand-in only. */
  @ApiProperty({ type: String, nullable: true, example: null })
  flv: string | null;
}

export class TicketView {
  @ApiProperty({ example: 'robots/r1' })
  path: string;

  /** Goes as `token=` into any URL of the path, or as the password. */
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6…' })
  ticket: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt: string;

  @ApiProperty({ type: ViewerUrls })
  urls: ViewerUrls;
}

export class StreamView {
  /** Null while the camera has never streamed. */
  @ApiProperty({ type: String, nullable: true, format: 'uuid' })
  id: string | null;

  @ApiProperty({ example: 'r1' })
  robotId: string;

  @ApiProperty({ example: MAIN_CAMERA })
  camera: string;

  @ApiProperty({ example: 'robots/r1' })
  path: string;

  /** `idle` before the first start. */
  @ApiProperty({ enum: ['idle', ...STREAM_STATES] })
  state: StreamState | 'idle';

  /** Why it ended. */
  @ApiProperty({ type: String, nullable: true, enum: STREAM_CAUSES, example: null })
  cause: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  detail: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  requestedAt: string | null;

  /** When the media server first had the picture. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  liveAt: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  endedAt: string | null;

  /** Until when an app keeps it alive without viewers. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  leaseUntil: string | null;

  /** Who watches now; null when the monitor cannot tell. */
  @ApiProperty({ type: Number, nullable: true, example: 2 })
  viewers: number | null;
}

export class StartedStream extends StreamView {
  /** Viewer URLs, each with a ticket of ten minutes. */
  @ApiProperty({ type: ViewerUrls })
  urls: ViewerUrls;

  @ApiProperty({ format: 'date-time' })
  ticketExpiresAt: string;
}

export class StreamPage {
  @ApiProperty({ type: [StreamView] })
  items: StreamView[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}
