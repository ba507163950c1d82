import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { uuidParameter } from '../page';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import { MonitorClient } from './monitor.client';
import { streamView } from './stream-views';
import { CreateTicket, StreamPage, StreamView, TicketView } from './streams.dto';
import { StreamsService } from './streams.service';
import { TicketsService } from './tickets.service';

const streamId = uuidParameter('id');

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

  /** A ticket to watch this stream's path or to publish to it, with every URL and command that holds it. */
  @Post(':id/tickets')
  @ApiCreatedResponse({ type: TicketView })
  async ticket(
    @CurrentCaller() caller: Caller,
    @Param('id', streamId) id: string,
    @Body() request: CreateTicket,
  ): Promise<TicketView> {
    const { path } = await this.streams.get(caller, id);
    const { view } = await this.tickets.create(caller, { ...request, path, what: `stream ${id}` });
    return view;
  }
}
