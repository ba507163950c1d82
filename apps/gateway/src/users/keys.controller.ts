import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { UuidPageQuery, uuidParameter } from '../page';
import { CurrentCaller, type Caller } from '../session/caller';
import { CreatedKey, CreateKey, KeyPage } from './keys.dto';
import { KeysService } from './keys.service';
import { RevocationStarted } from './users.dto';

@ApiTags('users')
@ApiBearerAuth()
@Controller('v1/users/:id/keys')
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  /** A user's stream keys, without the keys themselves. For admins, and for oneself. */
  @Get()
  @ApiOkResponse({ type: KeyPage })
  list(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Query() page: UuidPageQuery,
  ): Promise<KeyPage> {
    return this.keys.list(caller, id, page);
  }

  /** Make a stream key; the answer holds it, once. For admins. */
  @Post()
  @ApiCreatedResponse({ type: CreatedKey })
  create(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Body() request: CreateKey,
  ): Promise<CreatedKey> {
    return this.keys.create(caller, id, request);
  }

  /** Revoke a stream key and cut the sessions that it opened. For admins. */
  @Delete(':keyId')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async revoke(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Param('keyId', uuidParameter('keyId')) keyId: string,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.keys.revoke(caller, id, keyId) };
  }
}
