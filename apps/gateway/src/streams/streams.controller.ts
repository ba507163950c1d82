import { Body, Controller, Get, Param, ParseUUIDPipe, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { DomainError } from '@rovercast/contracts';
import { requireRight } from '../access';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import { MonitorClient } from './monitor.client';
import { streamView } from './stream-views';
import { CreateTicket, StreamPage, StreamView, TicketView } from './streams.dto';
import { StreamsService } from './streams.service';
import { TicketsService } from './tickets.service';

const streamId = new ParseUUIDPipe({
  exceptionFactory: () =>
    new DomainError('INVALID_INPUT', 'id must be a UUID', {
      fields: [{ field: 'id', message: 'id must be a UUID' }],
    }),
});

@ApiTags('streams')
@ApiBearerAuth()
@Controller('v1/streams')
export class StreamsController {
  constructor(
    private readonly streams: StreamsService,
    private readonly tickets: TicketsService,
    private readonly monitor: MonitorClient,
  ) {}

  /** Streams in service that you may watch. */
  @Get()
  @ApiOkResponse({ type: StreamPage })
  async list(@CurrentCaller() caller: Caller, @Query() { limit, cursor }: PageQuery): Promise<StreamPage> {
    const after = cursor === undefined ? null : await streamId.transform(cursor, { type: 'query' });
    const [page, viewers] = await Promise.all([
      this.streams.listOpen(caller, limit, after ?? null),
      this.monitor.viewersByPath(),
    ]);
    return {
      items: page.items.map((stream) => streamView(stream, viewers ? (viewers.get(stream.path) ?? 0) : null)),
      nextCursor: page.nextCursor,
    };
  }

  /** One stream, in service or ended. */
  @Get(':id')
  @ApiOkResponse({ type: StreamView })
  async get(@CurrentCaller() caller: Caller, @Param('id', streamId) id: string): Promise<StreamView> {
    const stream = await this.streams.get(caller, id);
    const viewers = stream.endedAt === null ? await this.monitor.viewersByPath() : undefined;
    return streamView(stream, stream.endedAt !== null ? 0 : viewers ? (viewers.get(stream.path) ?? 0) : null);
  }

  /** A viewer ticket for this stream's path, and every URL with it. */
  @Post(':id/tickets')
  @ApiCreatedResponse({ type: TicketView })
  async ticket(
    @CurrentCaller() caller: Caller,
    @Param('id', streamId) id: string,
    @Body() { expiresInSeconds }: CreateTicket,
  ): Promise<TicketView> {
    const { path } = await this.streams.get(caller, id);
    requireRight(caller, 'read', path, `stream ${id}`);
    return this.tickets.viewer(caller.username, path, expiresInSeconds);
  }
}
