import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { cameraPath } from '@rovercast/directory';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import { CreateTicket, TicketView } from '../streams/streams.dto';
import { TicketsService } from '../streams/tickets.service';
import { CameraPage, CameraView, CreateCamera, UpdateCamera } from './cameras.dto';
import { CamerasService } from './cameras.service';

@ApiTags('cameras')
@ApiBearerAuth()
@Controller('v1/cameras')
export class CamerasController {
  constructor(
    private readonly cameras: CamerasService,
    private readonly tickets: TicketsService,
  ) {}

  /** Add a source that the media server pulls while somebody watches. */
  @Post()
  @ApiCreatedResponse({ type: CameraView })
  create(@CurrentCaller() caller: Caller, @Body() request: CreateCamera): Promise<CameraView> {
    return this.cameras.create(caller, request);
  }

  /** The cameras that you may see, by id. */
  @Get()
  @ApiOkResponse({ type: CameraPage })
  list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<CameraPage> {
    return this.cameras.list(caller, page);
  }

  /** One camera. */
  @Get(':id')
  @ApiOkResponse({ type: CameraView })
  get(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<CameraView> {
    return this.cameras.get(caller, id);
  }

  /** Rename, regroup, or pull from somewhere else. */
  @Patch(':id')
  @ApiOkResponse({ type: CameraView })
  update(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() change: UpdateCamera,
  ): Promise<CameraView> {
    return this.cameras.update(caller, id, change);
  }

  /** Remove a camera, its source and the rights to it; whoever watches is cut off. */
  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<void> {
    await this.cameras.remove(caller, id);
  }

  /** A ticket to watch this camera, with every URL and command that holds it. */
  @Post(':id/tickets')
  @ApiCreatedResponse({ type: TicketView })
  async ticket(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() request: CreateTicket,
  ): Promise<TicketView> {
    await this.cameras.find(caller, id);
    const { view } = await this.tickets.create(caller, {
      ...request,
      path: cameraPath(id),
      what: `camera ${id}`,
    });
    return view;
  }
}
