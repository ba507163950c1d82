import { Injectable } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { Grants, UserGroups, type Holder, type StoredGrant } from '@rovercast/directory';
import { requireRole } from '../access';
import { pageOf, timeOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import type { CreateGrant, StoredGrantPage, StoredGrantView } from './grants.dto';
import { UsersService } from './users.service';

/** Rights of users and of groups, as far as a caller may see and change them. */
@Injectable()
export class GrantsService {
  constructor(
    private readonly grants: Grants,
    private readonly groups: UserGroups,
    private readonly users: UsersService,
  ) {}

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async list(caller: Caller, holder: Holder, query: PageQuery): Promise<StoredGrantPage> {
    await this.requireKnown(caller, holder);
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.grants.list(holder, page),
      (grant) => grant.id,
    );
    return { items: rows.map(grantView), nextCursor };
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN, INVALID_INPUT */
  async add(caller: Caller, holder: Holder, request: CreateGrant): Promise<StoredGrantView> {
    await this.requireKnown(caller, holder);
    requireRole(caller, 'admin');
    const { expiresAt, ...grant } = request;
    const end = expiresAt ? new Date(expiresAt) : null;
    return grantView(await this.grants.add(holder, { ...grant, expiresAt: end }, caller.username));
  }

  /** @returns the revocation's id @throws DomainError NOT_FOUND, FORBIDDEN */
  async remove(caller: Caller, holder: Holder, id: string): Promise<string> {
    await this.requireKnown(caller, holder);
    requireRole(caller, 'admin');
    return this.grants.remove(holder, id, caller.username);
  }

  private async requireKnown(caller: Caller, { kind, id }: Holder): Promise<void> {
    if (kind === 'user') return void (await this.users.find(caller, id));
    requireRole(caller, 'admin');
    if (!(await this.groups.find(id))) throw new DomainError('NOT_FOUND', `there is no user group ${id}`);
  }
}

const grantView = ({
  id,
  action,
  pattern,
  expiresAt,
  addressRanges,
  createdAt,
}: StoredGrant): StoredGrantView => ({
  id,
  action,
  pattern,
  expiresAt: timeOf(expiresAt),
  addressRanges,
  createdAt: createdAt.toISOString(),
});
