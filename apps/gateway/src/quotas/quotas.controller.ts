import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { DomainError } from '@rovercast/contracts';
import { Groups, type Group } from '@rovercast/directory';
import { SlotStore } from '@rovercast/quota';
import { requireRole } from '../access';
import { pageOf } from '../page';
import { PageQuery } from '../paging.dto';
import { CurrentCaller, type Caller } from '../session/caller';
import { CreateGroup, GroupPage, GroupView, Quotas, TotalLimitsDto, UpdateGroup } from './quotas.dto';

/** Groups of paths that share limits, and how much of the limits is in use. */
@ApiTags('quotas')
@ApiBearerAuth()
@Controller('v1')
export class QuotasController {
  constructor(
    private readonly groups: Groups,
    private readonly slots: SlotStore,
  ) {}

  /** How many streams each group has, and may have. Admins and operators. */
  @Get('quotas')
  @ApiOkResponse({ type: Quotas })
  async usage(@CurrentCaller() caller: Caller): Promise<Quotas> {
    requireRole(caller, 'admin', 'operator');
    return { items: await this.slots.usage() };
  }

  /** Change the limit over all groups. Admins. */
  @Patch('quotas/total')
  @ApiOkResponse({ type: TotalLimitsDto })
  async setTotal(@CurrentCaller() caller: Caller, @Body() change: TotalLimitsDto): Promise<TotalLimitsDto> {
    requireRole(caller, 'admin');
    const { streams } = await this.groups.setTotal(change, caller.username);
    return { streams };
  }

  /** The groups, by name. Admins and operators. */
  @Get('groups')
  @ApiOkResponse({ type: GroupPage })
  async list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<GroupPage> {
    requireRole(caller, 'admin', 'operator');
    const { rows, nextCursor } = await pageOf(
      page,
      (part) => this.groups.list(part),
      ({ name }) => name,
    );
    return { items: rows.map(view), nextCursor };
  }

  /** One group. Admins and operators. */
  @Get('groups/:name')
  @ApiOkResponse({ type: GroupView })
  async get(@CurrentCaller() caller: Caller, @Param('name') name: string): Promise<GroupView> {
    requireRole(caller, 'admin', 'operator');
    const group = await this.groups.find(name);
    if (!group) throw new DomainError('NOT_FOUND', `there is no group ${name}`);
    return view(group);
  }

  /** Make a group. Admins. */
  @Post('groups')
  @ApiCreatedResponse({ type: GroupView })
  async create(@CurrentCaller() caller: Caller, @Body() group: CreateGroup): Promise<GroupView> {
    requireRole(caller, 'admin');
    return view(await this.groups.create(group, caller.username));
  }

  /** Change a group's patterns or limits. Admins. */
  @Patch('groups/:name')
  @ApiOkResponse({ type: GroupView })
  async update(
    @CurrentCaller() caller: Caller,
    @Param('name') name: string,
    @Body() change: UpdateGroup,
  ): Promise<GroupView> {
    requireRole(caller, 'admin');
    return view(await this.groups.update(name, change, caller.username));
  }

  /** Remove a group that has no streams. Admins. */
  @Delete('groups/:name')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(@CurrentCaller() caller: Caller, @Param('name') name: string): Promise<void> {
    requireRole(caller, 'admin');
    await this.groups.remove(name, caller.username);
  }
}

const view = ({ name, patterns, limits, createdAt }: Group): GroupView => ({
  name,
  patterns,
  limits,
  createdAt: createdAt.toISOString(),
});
