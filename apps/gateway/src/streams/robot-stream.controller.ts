import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentCaller, type Caller } from '../session/caller';
import { MonitorClient } from './monitor.client';
import { idleView, streamView } from './stream-views';
import { CameraQuery, Heartbeat, StartedStream, StartQuery, StartStream, StreamView } from './streams.dto';
import type { Stream } from './streams.repository';
import { StreamsService } from './streams.service';
import { TicketsService } from './tickets.service';

const TICKET_SECONDS = 600;

@ApiTags('streams')
@ApiBearerAuth()
@Controller('v1/robots/:id/stream')
export class RobotStreamController {
  constructor(
    private readonly streams: StreamsService,
    private readonly tickets: TicketsService,
    private readonly monitor: MonitorClient,
  ) {}

  /** Go live. 201 when this call started it, 200 when it ran already. */
  @Post()
  @ApiCreatedResponse({ type: StartedStream })
  @ApiOkResponse({ type: StartedStream })
  async start(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query() { wait }: StartQuery,
    @Body() request: StartStream,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StartedStream> {
    const { stream, fresh } = await this.streams.start(caller, id, request, wait);
    reply.status(fresh ? 201 : 200);
    const { urls, expiresAt } = this.tickets.viewer(caller.username, stream.path, TICKET_SECONDS);
    return {
      ...streamView(stream, fresh ? 0 : await this.viewers(stream)),
      urls,
      ticketExpiresAt: expiresAt,
    };
  }

  /** What the camera does. */
  @Get()
  @ApiOkResponse({ type: StreamView })
  async state(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query() { camera }: CameraQuery,
  ): Promise<StreamView> {
    return this.view(await this.streams.newest(caller, id, camera), id, camera);
  }

  /** Stop. Fine when nothing runs. */
  @Delete()
  @HttpCode(200)
  @ApiOkResponse({ type: StreamView })
  async stop(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query() { camera }: CameraQuery,
  ): Promise<StreamView> {
    return this.view(await this.streams.stop(caller, id, camera), id, camera);
  }

  /** Keep it alive: an app that shows the stream calls this every ten seconds or so. */
  @Post('heartbeat')
  @HttpCode(200)
  @ApiOkResponse({ type: StreamView })
  async heartbeat(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() { camera, leaseSeconds }: Heartbeat,
  ): Promise<StreamView> {
    return this.view(await this.streams.heartbeat(caller, id, camera, leaseSeconds), id, camera);
  }

  private async view(stream: Stream | undefined, robotId: string, camera: string): Promise<StreamView> {
    return stream ? streamView(stream, await this.viewers(stream)) : idleView(robotId, camera);
  }

  private async viewers({ path, endedAt }: Stream): Promise<number | null> {
    if (endedAt !== null) return 0;
    const viewers = await this.monitor.viewersByPath();
    return viewers ? (viewers.get(path) ?? 0) : null;
  }
}
