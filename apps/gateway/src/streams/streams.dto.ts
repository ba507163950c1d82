import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_PATTERN, MAIN_CAMERA, STREAM_CAUSES, StreamProfile } from '@rovercast/contracts';
import { STREAM_STATES, type StreamState } from '@rovercast/database';
import { Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsIP,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from '../page';

export const WAITS = ['none', 'ack', 'live'] as const;
export type Wait = (typeof WAITS)[number];

export const TICKET_ACTIONS = ['read', 'publish'] as const;
export type TicketAction = (typeof TICKET_ACTIONS)[number];

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
  @IfGiven()
  @IsInt()
  @Min(10)
  @Max(86_400)
  expiresInSeconds: number = 600;

  /** How long a session that it opened may last, from now; left out: until the viewer leaves. */
  @ApiPropertyOptional({ example: 3600 })
  @IfGiven()
  @IsInt()
  @Min(10)
  @Max(2_592_000)
  leaveInSeconds?: number;

  /** The only IP address from which it opens anything, as the media server sees it. */
  @ApiPropertyOptional({ example: '192.0.2.7' })
  @IfGiven()
  @IsIP()
  address?: string;

  /** `publish` needs the right to publish to the path or to control its robot. */
  @ApiPropertyOptional({ enum: TICKET_ACTIONS, example: 'read' })
  @IfGiven()
  @IsIn(TICKET_ACTIONS)
  action: TicketAction = 'read';

  /** For people: it stands in the list of shares. */
  @ApiPropertyOptional({ example: 'lobby screen' })
  @IfGiven()
  @IsString()
  @Length(1, 64)
  name?: string;
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

export class ObsSettings {
  /** Settings → Stream → Custom → Server. */
  @ApiProperty({ example: 'rtmp://media.example.org:1935/robots' })
  server: string;

  /** Settings → Stream → Custom → Stream Key. Authentication stays off. */
  @ApiProperty({ example: 'r1?token=eyJ…' })
  streamKey: string;
}

export class BrowserUrls {
  /** For a WHEP player. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'http://media.example.org:8889/robots/r1/whep?token=eyJ…',
  })
  whep: string | null;

  /** For a WHIP publisher. */
  @ApiProperty({ type: String, nullable: true, example: null })
  whip: string | null;

  /** A page that plays HLS. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'http://media.example.org:8888/robots/r1/?token=eyJ…',
  })
  hlsPage: string | null;

  /** A page that plays WebRTC, or publishes from the browser's camera. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'http://media.example.org:8889/robots/r1/?token=eyJ…',
  })
  webrtcPage: string | null;
}

export class TicketCommands {
  /** Ready for a POSIX shell, as all commands here. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: "vlc --rtsp-tcp 'rtsp://media.example.org:8554/robots/r1?token=eyJ…'",
  })
  vlc: string | null;

  @ApiProperty({ type: String, nullable: true, example: "ffplay -rtsp_transport tcp 'rtsp://…?token=eyJ…'" })
  ffplay: string | null;

  @ApiProperty({ type: String, nullable: true, example: "gst-launch-1.0 rtspsrc … 'location=rtsp://…' ! …" })
  gstreamerPlay: string | null;

  /** Publishes a test picture; replace its input by your own. */
  @ApiProperty({ type: String, nullable: true, example: null })
  ffmpegPublish: string | null;

  /** The same over RTMP. */
  @ApiProperty({ type: String, nullable: true, example: null })
  ffmpegPublishRtmp: string | null;

  /** The same over SRT. */
  @ApiProperty({ type: String, nullable: true, example: null })
  ffmpegPublishSrt: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  gstreamerPublish: string | null;

  @ApiProperty({ type: ObsSettings, nullable: true })
  obs: ObsSettings | null;

  @ApiProperty({ type: BrowserUrls })
  browser: BrowserUrls;

  /** What to put into a QR code: a page that a phone opens as it is. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'http://media.example.org:8888/robots/r1/?token=eyJ…',
  })
  qr: string | null;
}

export class TicketView {
  @ApiProperty({ example: 'robots/r1' })
  path: string;

  @ApiProperty({ enum: TICKET_ACTIONS, example: 'read' })
  action: TicketAction;

  /** Goes as `token=` into any URL of the path, or as the password. */
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiIsImtpZCI6…' })
  ticket: string;

  /** `DELETE /v1/shares/{familyId}` ends it. */
  @ApiProperty({ example: 'q83vEjRWeJA' })
  familyId: string;

  /** No later than the right with which it was made. */
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;

  /** When a session that it opened is cut; null: when the viewer leaves. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  leaveAt: string | null;

  /** The only address from which it opens anything; null: any. */
  @ApiProperty({ type: String, nullable: true, example: null })
  address: string | null;

  @ApiProperty({ type: ViewerUrls })
  urls: ViewerUrls;

  @ApiProperty({ type: TicketCommands })
  commands: TicketCommands;
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
