import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsNumberString, Length } from 'class-validator';
import { IfGiven, Paged, UuidPageQuery } from '../page';
import { PageQuery } from '../paging.dto';

export class ViewPageQuery extends PageQuery {
  /** `nextCursor` of the page before. */
  @ApiPropertyOptional({ example: '1042' })
  @IfGiven()
  @IsNumberString({ no_symbols: true })
  @Length(1, 18)
  declare cursor?: string;
}

export class ViewersQuery extends ViewPageQuery {
  /** Those who have left too. */
  @ApiPropertyOptional({ example: true })
  @IfGiven()
  @Transform(({ value }: { value: unknown }) => ({ true: true, false: false })[String(value)] ?? value)
  @IsBoolean()
  history: boolean = false;
}

export class SessionsQuery extends UuidPageQuery {}

export class ShareReference {
  @ApiProperty({ example: 'q83vEjRWeJA' })
  id: string;

  @ApiProperty({ example: 'city hall' })
  name: string;
}

export class WatchView {
  /** The media server's id of the session; `DELETE /v1/sessions/{sessionId}` cuts it. */
  @ApiProperty({ format: 'uuid' })
  sessionId: string;

  @ApiProperty({ example: 'robots/r1' })
  path: string;

  @ApiProperty({ example: 'rtsp' })
  protocol: string;

  /** User name; with a ticket, of who made it. */
  @ApiProperty({ example: 'ada' })
  principal: string;

  @ApiProperty({ enum: ['user', 'robot', 'ticket'], example: 'user' })
  principalKind: string;

  /** The share link or ticket that let it in, if one did. */
  @ApiProperty({ type: ShareReference, nullable: true })
  share: ShareReference | null;

  @ApiProperty({ example: '192.0.2.7' })
  address: string;

  @ApiProperty({ example: 'LibVLC/3.0.20' })
  userAgent: string;

  @ApiProperty({ format: 'date-time' })
  startedAt: string;

  /** When it was last seen on the media server. */
  @ApiProperty({ format: 'date-time' })
  lastSeenAt: string;

  /** Null while it watches. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  endedAt: string | null;

  /** `left`, or why it was cut. */
  @ApiProperty({ type: String, nullable: true, example: 'left' })
  endReason: string | null;

  @ApiProperty({ example: 93 })
  durationSeconds: number;

  @ApiProperty({ example: 5_120_000 })
  outboundBytes: number;
}

export class WatchPage extends Paged {
  @ApiProperty({ type: [WatchView] })
  items: WatchView[];
}

export class MediaSessionView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: ['read', 'publish'], example: 'read' })
  action: string;

  @ApiProperty({ example: 'robots/r1' })
  path: string;

  @ApiProperty({ example: 'rtsp' })
  protocol: string;

  /** The media server on which it is. */
  @ApiProperty({ example: 'default' })
  node: string;

  /** User name or robot id; with a ticket, of who made it. */
  @ApiProperty({ example: 'ada' })
  principal: string;

  @ApiProperty({ enum: ['user', 'robot', 'ticket'], example: 'user' })
  principalKind: string;

  @ApiProperty({ type: ShareReference, nullable: true })
  share: ShareReference | null;

  @ApiProperty({ example: '192.0.2.7' })
  address: string;

  @ApiProperty({ example: 'LibVLC/3.0.20' })
  userAgent: string;

  @ApiProperty({ format: 'date-time' })
  startedAt: string;
}

export class MediaSessionPage extends Paged {
  @ApiProperty({ type: [MediaSessionView] })
  items: MediaSessionView[];
}

export class CutSessionView {
  @ApiProperty({ format: 'uuid' })
  sessionId: string;

  @ApiProperty({ type: String, nullable: true, example: 'default' })
  node: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'rtsp' })
  protocol: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'robots/r1' })
  path: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'ada' })
  principal: string | null;

  /** From the request until the session was gone. */
  @ApiProperty({ type: Number, nullable: true, example: 412 })
  cutAfterMs: number | null;

  /** Whether it was looked for afterwards and not found. */
  @ApiProperty({ example: true })
  verified: boolean;
}

export class RevocationView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({
    enum: ['user', 'grant', 'key', 'robot', 'ticket-family', 'session', 'user-sessions'],
    example: 'user',
  })
  kind: string;

  /** User name, grant id, key id, robot id, share id or session id, as the kind says. */
  @ApiProperty({ example: 'ada' })
  subject: string;

  @ApiProperty({ example: 'the user was disabled' })
  reason: string;

  @ApiProperty({ example: 'admin' })
  requestedBy: string;

  @ApiProperty({ format: 'date-time' })
  requestedAt: string;

  /** When all sessions were seen to be gone; null: not yet. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  verifiedAt: string | null;

  @ApiProperty({ example: true })
  verified: boolean;

  @ApiProperty({ example: 1 })
  attempts: number;

  @ApiProperty({ type: [CutSessionView] })
  sessions: CutSessionView[];
}
