import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { uuidParameter } from '../page';
import { CurrentCaller, type Caller } from '../session/caller';
import { RevocationStarted } from '../users/users.dto';
import { MediaSessionsService } from './media-sessions.service';
import {
  MediaSessionPage,
  RevocationView,
  SessionsQuery,
  ViewersQuery,
  ViewPageQuery,
  WatchPage,
} from './viewers.dto';
import { ViewersService } from './viewers.service';

@ApiTags('viewers')
@ApiBearerAuth()
@Controller('v1')
export class ViewersController {
  constructor(
    private readonly viewers: ViewersService,
    private readonly sessions: MediaSessionsService,
  ) {}

  /** Who watches a stream now and, with `history`, who has watched it. For who may control it. */
  @Get('streams/:id/viewers')
  @ApiOkResponse({ type: WatchPage })
  ofStream(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Query() query: ViewersQuery,
  ): Promise<WatchPage> {
    return this.viewers.ofStream(caller, id, query);
  }

  /** What a user watched and watches, newest first. For admins, and for oneself. */
  @Get('users/:id/views')
  @ApiOkResponse({ type: WatchPage })
  ofUser(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Query() query: ViewPageQuery,
  ): Promise<WatchPage> {
    return this.viewers.ofUser(caller, id, query);
  }

  /** Viewers and publishers on the media servers now, on paths that you may control. */
  @Get('sessions')
  @ApiOkResponse({ type: MediaSessionPage })
  list(@CurrentCaller() caller: Caller, @Query() query: SessionsQuery): Promise<MediaSessionPage> {
    return this.sessions.list(caller, query);
  }

  /** Cut one viewer or publisher, whatever its protocol. It may come back if its right still stands. */
  @Delete('sessions/:id')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async cut(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.sessions.cut(caller, id) };
  }

  /** Which sessions a revocation cut, and whether they are gone. For admins, and for who asked for it. */
  @Get('revocations/:id')
  @ApiOkResponse({ type: RevocationView })
  revocation(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
  ): Promise<RevocationView> {
    return this.sessions.revocation(caller, id);
  }
}
