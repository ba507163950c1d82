import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import { CreatedRobot, CreateRobot, RobotPage, RobotView, UpdateRobot } from './robots.dto';
import { RobotsService } from './robots.service';

@ApiTags('robots')
@ApiBearerAuth()
@Controller('v1/robots')
export class RobotsController {
  constructor(private readonly robots: RobotsService) {}

  /** Register a robot; the answer holds its key, once. */
  @Post()
  @ApiCreatedResponse({ type: CreatedRobot })
  create(@CurrentCaller() caller: Caller, @Body() request: CreateRobot): Promise<CreatedRobot> {
    return this.robots.create(caller, request);
  }

  /** The robots that you may see or drive, by id. */
  @Get()
  @ApiOkResponse({ type: RobotPage })
  list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<RobotPage> {
    return this.robots.list(caller, page);
  }

  /** One robot. */
  @Get(':id')
  @ApiOkResponse({ type: RobotView })
  get(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<RobotView> {
    return this.robots.get(caller, id);
  }

  /** Rename, change cameras, disable or enable. */
  @Patch(':id')
  @ApiOkResponse({ type: RobotView })
  update(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() change: UpdateRobot,
  ): Promise<RobotView> {
    return this.robots.update(caller, id, change);
  }

  /** Remove a robot, its keys and its history. */
  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<void> {
    await this.robots.remove(caller, id);
  }

  /** Give a robot a new key, shown once; the old one stops working at once. */
  @Post(':id/rotate-key')
  @HttpCode(200)
  @ApiOkResponse({ type: CreatedRobot })
  rotateKey(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<CreatedRobot> {
    return this.robots.rotateKey(caller, id);
  }
}
