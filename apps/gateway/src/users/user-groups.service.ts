import { Injectable } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { UserGroups, type UserGroup } from '@rovercast/directory';
import { requireRole } from '../access';
import { pageOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import type { UserGroupPage, UserGroupView } from './user-groups.dto';
import type { UserPage } from './users.dto';
import { userView } from './users.service';

/** Groups of users; for admins only. */
@Injectable()
export class UserGroupsService {
  constructor(private readonly groups: UserGroups) {}

  /** @throws DomainError FORBIDDEN, INVALID_INPUT, CONFLICT */
  async create(caller: Caller, name: string): Promise<UserGroupView> {
    requireRole(caller, 'admin');
    return groupView(await this.groups.create(name, caller.username));
  }

  /** @throws DomainError FORBIDDEN */
  async list(caller: Caller, query: PageQuery): Promise<UserGroupPage> {
    requireRole(caller, 'admin');
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.groups.list(page),
      (group) => group.name,
    );
    return { items: rows.map(groupView), nextCursor };
  }

  /** @throws DomainError FORBIDDEN, NOT_FOUND */
  async get(caller: Caller, id: string): Promise<UserGroupView> {
    requireRole(caller, 'admin');
    const group = await this.groups.find(id);
    if (!group) throw new DomainError('NOT_FOUND', `there is no user group ${id}`);
    return groupView(group);
  }

  /** @returns the revocations' ids @throws DomainError FORBIDDEN, NOT_FOUND */
  async remove(caller: Caller, id: string): Promise<string[]> {
    requireRole(caller, 'admin');
    return this.groups.remove(id, caller.username);
  }

  /** @throws DomainError FORBIDDEN, NOT_FOUND */
  async members(caller: Caller, id: string, query: PageQuery): Promise<UserPage> {
    await this.get(caller, id);
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.groups.members(id, page),
      (user) => user.username,
    );
    return { items: rows.map(userView), nextCursor };
  }

  /** @throws DomainError FORBIDDEN, NOT_FOUND */
  async addMember(caller: Caller, id: string, userId: string): Promise<void> {
    requireRole(caller, 'admin');
    await this.groups.addMember(id, userId, caller.username);
  }

  /** @returns the revocation's id @throws DomainError FORBIDDEN, NOT_FOUND */
  async removeMember(caller: Caller, id: string, userId: string): Promise<string> {
    requireRole(caller, 'admin');
    return this.groups.removeMember(id, userId, caller.username);
  }
}

const groupView = ({ id, name, members, createdAt }: UserGroup): UserGroupView => ({
  id,
  name,
  members,
  createdAt: createdAt.toISOString(),
});
