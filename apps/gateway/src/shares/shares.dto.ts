import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isValidPath } from '@rovercast/contracts';
import { IsInt, IsString, Length, Matches, Max, Min, ValidateBy } from 'class-validator';
import { IfGiven, Paged } from '../page';
import { PageQuery } from '../paging.dto';
import { TicketCommands, TICKET_ACTIONS, ViewerUrls, type TicketAction } from '../streams/streams.dto';

export const FAMILY_ID = /^[A-Za-z0-9_-]{11}$/;

export class SharePageQuery extends PageQuery {
  /** `nextCursor` of the page before. */
  @ApiPropertyOptional({ example: 'q83vEjRWeJA' })
  @IfGiven()
  @Matches(FAMILY_ID, { message: '$property must be the nextCursor of a page' })
  declare cursor?: string;
}

export class CreateShare {
  /** A path that you may watch; it need not be live. */
  @ApiProperty({ example: 'robots/r1' })
  @ValidateBy(
    {
      name: 'isPath',
      validator: { validate: (value: unknown) => typeof value === 'string' && isValidPath(value) },
    },
    { message: '$property must be a path such as robots/r1' },
  )
  path: string;

  /** For people: whom the link is for. */
  @ApiPropertyOptional({ example: 'city hall' })
  @IfGiven()
  @IsString()
  @Length(1, 64)
  name?: string;

  /** How long the link works, 30 days at most; then its sessions are cut too. */
  @ApiPropertyOptional({ example: 86_400 })
  @IfGiven()
  @IsInt()
  @Min(10)
  @Max(2_592_000)
  expiresInSeconds: number = 86_400;
}

export class ShareView {
  @ApiProperty({ example: 'q83vEjRWeJA' })
  id: string;

  @ApiProperty({ example: 'robots/r1' })
  path: string;

  /** A share link is `read`; tickets that were made for a stream are listed too. */
  @ApiProperty({ enum: TICKET_ACTIONS, example: 'read' })
  action: TicketAction;

  @ApiProperty({ example: 'city hall' })
  name: string;

  /** User name; null when that user is gone. */
  @ApiProperty({ type: String, nullable: true, example: 'ada' })
  createdBy: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  leaveAt: string | null;

  /** Set once it was revoked. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  revokedAt: string | null;
}

export class CreatedShare extends ShareView {
  /** Shown this once, here and in the URLs. */
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiIsImtpZCI6…' })
  ticket: string;

  @ApiProperty({ type: ViewerUrls })
  urls: ViewerUrls;

  @ApiProperty({ type: TicketCommands })
  commands: TicketCommands;
}

export class SharePage extends Paged {
  @ApiProperty({ type: [ShareView] })
  items: ShareView[];
}
