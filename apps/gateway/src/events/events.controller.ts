import { Controller, Get, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { Tokens } from '@rovercast/access';
import type { FastifyReply } from 'fastify';
import { CurrentCaller, type Caller, type CallerRequest } from '../session/caller';
import { AlertNews, PresenceEvent, QuotaEvent, ResetEvent, StreamEvent } from './events.dto';
import { EventsService } from './events.service';

const EVENTS = [PresenceEvent, StreamEvent, QuotaEvent, AlertNews, ResetEvent];

/** What happens, as it happens. */
@ApiTags('events')
@ApiBearerAuth()
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly tokens: Tokens,
  ) {}

  /**
   * What happens to robots and streams that you may know of, as server-sent events: `presence`, `stream`, `quota` (admins and
   * operators), `alert`, `reset`. Come back with `Last-Event-ID` to miss nothing.
   */
  @Get()
  @ApiExtraModels(...EVENTS)
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `id` of the last event that you have seen.',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ schema: { oneOf: EVENTS.map((type) => ({ $ref: getSchemaPath(type) })) } })
  listen(@CurrentCaller() caller: Caller, @Req() request: CallerRequest, @Res() reply: FastifyReply): void {
    this.events.requireRoom(caller);
    reply.hijack();
    const { raw: response } = reply;
    response.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies that would hold the answer back until it is complete (nginx).
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') return void response.end();
    const lastEventId = request.headers['last-event-id'];
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    this.events.listen(caller, {
      response,
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
      holds: () => this.tokens.readAccess(token, Date.now()).ok,
    });
  }
}
