import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../session/caller';
import { RevocationStarted } from '../users/users.dto';
import { CreatedShare, CreateShare, SharePage, SharePageQuery, ShareView } from './shares.dto';
import { SharesService } from './shares.service';

@ApiTags('shares')
@ApiBearerAuth()
@Controller('v1/shares')
export class SharesController {
  constructor(private readonly shares: SharesService) {}

  /** A link to watch a path without a login; the answer holds it, once. */
  @Post()
  @ApiCreatedResponse({ type: CreatedShare })
  create(@CurrentCaller() caller: Caller, @Body() request: CreateShare): Promise<CreatedShare> {
    return this.shares.create(caller, request);
  }

  /** Share links and tickets that you made and that are not over, newest first; an admin sees everybody's. */
  @Get()
  @ApiOkResponse({ type: SharePage })
  list(@CurrentCaller() caller: Caller, @Query() page: SharePageQuery): Promise<SharePage> {
    return this.shares.list(caller, page);
  }

  /** One share link or ticket. */
  @Get(':id')
  @ApiOkResponse({ type: ShareView })
  get(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<ShareView> {
    return this.shares.get(caller, id);
  }

  /** Revoke a share link or ticket: it opens nothing any more, and its sessions are cut. */
  @Delete(':id')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async revoke(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<RevocationStarted> {
    return { revocationId: await this.shares.revoke(caller, id) };
  }
}
