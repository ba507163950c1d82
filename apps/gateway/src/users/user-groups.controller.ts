import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { uuidParameter } from '../page';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import { CreateUserGroup, RevocationsStarted, UserGroupPage, UserGroupView } from './user-groups.dto';
import { UserGroupsService } from './user-groups.service';
import { RevocationStarted, UserPage } from './users.dto';

@ApiTags('user groups')
@ApiBearerAuth()
@Controller('v1/user-groups')
export class UserGroupsController {
  constructor(private readonly groups: UserGroupsService) {}

  /** Add a group of users. For admins. */
  @Post()
  @ApiCreatedResponse({ type: UserGroupView })
  create(@CurrentCaller() caller: Caller, @Body() { name }: CreateUserGroup): Promise<UserGroupView> {
    return this.groups.create(caller, name);
  }

  /** All groups of users, by name. For admins. */
  @Get()
  @ApiOkResponse({ type: UserGroupPage })
  list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<UserGroupPage> {
    return this.groups.list(caller, page);
  }

  /** One group of users. For admins. */
  @Get(':id')
  @ApiOkResponse({ type: UserGroupView })
  get(@CurrentCaller() caller: Caller, @Param('id', uuidParameter('id')) id: string): Promise<UserGroupView> {
    return this.groups.get(caller, id);
  }

  /** Remove a group; its members lose its rights and the sessions that these opened. For admins. */
  @Delete(':id')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationsStarted })
  async remove(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
  ): Promise<RevocationsStarted> {
    return { revocationIds: await this.groups.remove(caller, id) };
  }

  /** Who is in a group, by name. For admins. */
  @Get(':id/members')
  @ApiOkResponse({ type: UserPage })
  members(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Query() page: PageQuery,
  ): Promise<UserPage> {
    return this.groups.members(caller, id, page);
  }

  /** Put a user into a group; fine when it is in it already. For admins. */
  @Put(':id/members/:userId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async addMember(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Param('userId', uuidParameter('userId')) userId: string,
  ): Promise<void> {
    await this.groups.addMember(caller, id, userId);
  }

  /** Take a user out of a group; its sessions are cut, those that are still allowed can come back. For admins. */
  @Delete(':id/members/:userId')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async removeMember(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Param('userId', uuidParameter('userId')) userId: string,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.groups.removeMember(caller, id, userId) };
  }
}
