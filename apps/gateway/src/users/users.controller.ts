import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { uuidParameter } from '../page';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import {
  CreateUser,
  RevocationStarted,
  RevokeUser,
  UpdatedUser,
  UpdateUser,
  UserPage,
  UserView,
} from './users.dto';
import { UsersService } from './users.service';

@ApiTags('users')
@ApiBearerAuth()
@Controller('v1/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  /** Add a user. For admins. */
  @Post()
  @ApiCreatedResponse({ type: UserView })
  create(@CurrentCaller() caller: Caller, @Body() request: CreateUser): Promise<UserView> {
    return this.users.create(caller, request);
  }

  /** All users, by name. For admins. */
  @Get()
  @ApiOkResponse({ type: UserPage })
  list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<UserPage> {
    return this.users.list(caller, page);
  }

  /** One user. For admins, and for oneself. */
  @Get(':id')
  @ApiOkResponse({ type: UserView })
  get(@CurrentCaller() caller: Caller, @Param('id', uuidParameter('id')) id: string): Promise<UserView> {
    return this.users.get(caller, id);
  }

  /** Rename, change the role, disable or enable, set a password. For admins; everybody may change the own password. */
  @Patch(':id')
  @ApiOkResponse({ type: UpdatedUser })
  update(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Body() change: UpdateUser,
  ): Promise<UpdatedUser> {
    return this.users.update(caller, id, change);
  }

  /** Remove a user with its rights, keys and tickets, and cut its sessions. For admins. */
  @Delete(':id')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async remove(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.users.remove(caller, id) };
  }

  /** End all logins, stream keys and tickets of a user and cut its sessions; password and rights stay. For admins. */
  @Post(':id/revoke')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: RevocationStarted })
  async revoke(
    @CurrentCaller() caller: Caller,
    @Param('id', uuidParameter('id')) id: string,
    @Body() { reason }: RevokeUser,
  ): Promise<RevocationStarted> {
    return { revocationId: await this.users.revoke(caller, id, reason) };
  }
}
