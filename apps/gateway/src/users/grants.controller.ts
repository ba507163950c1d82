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
import { CreateGrant, StoredGrantPage, StoredGrantView } from './grants.dto';
import { GrantsService } from './grants.service';
import { RevocationStarted } from './users.dto';

@ApiTags('users')
@ApiBearerAuth()
@Controller('v1/users/:id/grants')
export class UserGrantsController {
  constructor(private readonly grants: GrantsService) {}

  /** A user's own rights, without those of its groups. For admins, and for oneself. */
  @Get()
  @ApiOkResponse({ type: StoredGrantPage })
  list(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Query() page: UuidPageQuery,
  ): Promise<StoredGrantPage> {
    return this.grants.list(caller, { kind: 'user', id }, page);
  }

  /** Give a user a right; giving it again sets its end and its ranges. For admins. */
  @Post()
  @ApiCreatedResponse({ type: StoredGrantView })
  add(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Body() request: CreateGrant,
  ): Promise<StoredGrantView> {
    return this.grants.add(caller, { kind: 'user', id }, request);
  }

  /** Take a right away and cut the sessions that it opened. For admins. */
  @Delete(':grantId')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async remove(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Param('grantId', uuidParameter('grantId')) grantId: string,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.grants.remove(caller, { kind: 'user', id }, grantId) };
  }
}

@ApiTags('user groups')
@ApiBearerAuth()
@Controller('v1/user-groups/:id/grants')
export class GroupGrantsController {
  constructor(private readonly grants: GrantsService) {}

  /** The rights that all members of a group have. For admins. */
  @Get()
  @ApiOkResponse({ type: StoredGrantPage })
  list(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Query() page: UuidPageQuery,
  ): Promise<StoredGrantPage> {
    return this.grants.list(caller, { kind: 'group', id }, page);
  }

  /** Give all members of a group a right; giving it again sets its end and its ranges. For admins. */
  @Post()
  @ApiCreatedResponse({ type: StoredGrantView })
  add(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Body() request: CreateGrant,
  ): Promise<StoredGrantView> {
    return this.grants.add(caller, { kind: 'group', id }, request);
  }

  /** Take a right away from a group and cut the sessions that it opened. For admins. */
  @Delete(':grantId')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async remove(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Param('grantId', uuidParameter('grantId')) grantId: string,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.grants.remove(caller, { kind: 'group', id }, grantId) };
  }
}
