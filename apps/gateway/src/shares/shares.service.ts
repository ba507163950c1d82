import { Injectable } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { TicketFamilies, type TicketFamily } from '@rovercast/directory';
import { may } from '../access';
import { pageOf, timeOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import { TicketsService } from '../streams/tickets.service';
import { FAMILY_ID, type CreatedShare, type CreateShare, type SharePage, type ShareView } from './shares.dto';

/** Share links: tickets to watch that live long and can be revoked. */
@Injectable()
export class SharesService {
  constructor(
    private readonly families: TicketFamilies,
    private readonly tickets: TicketsService,
  ) {}

  /** @throws DomainError NOT_FOUND for a path that the caller may not know of, FORBIDDEN */
  async create(caller: Caller, { path, name, expiresInSeconds }: CreateShare): Promise<CreatedShare> {
    const { family, view } = await this.tickets.create(caller, {
      path,
      what: `path ${path}`,
      action: 'read',
      expiresInSeconds,
      leaveInSeconds: expiresInSeconds,
      name,
      shared: true,
    });
    return { ...shareView(family), ticket: view.ticket, urls: view.urls, commands: view.commands };
  }

  /** Those that are not over: an admin sees all, others their own. */
  async list(caller: Caller, query: PageQuery): Promise<SharePage> {
    const createdBy = caller.role === 'admin' ? null : caller.id;
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.families.list({ ...page, createdBy }),
      (family) => family.id,
    );
    return { items: rows.map(shareView), nextCursor };
  }

  /** @throws DomainError NOT_FOUND, also for who may not know of it */
  async get(caller: Caller, id: string): Promise<ShareView> {
    return shareView(await this.find(caller, id));
  }

  /** @returns the revocation's id @throws DomainError NOT_FOUND, also for who may not know of it */
  async revoke(caller: Caller, id: string): Promise<string> {
    await this.find(caller, id);
    return this.families.revoke(id, caller.username);
  }

  /** Who made it, who may control its path, and an admin know of a share. */
  private async find(caller: Caller, id: string): Promise<TicketFamily> {
    const family = FAMILY_ID.test(id) ? await this.families.find(id) : undefined;
    const known = family && (family.createdBy === caller.username || may(caller, 'control', family.path));
    if (!known) throw new DomainError('NOT_FOUND', `there is no share ${id}`);
    return family;
  }
}

const shareView = (family: TicketFamily): ShareView => {
  const { id, path, action, name, createdBy, createdAt, expiresAt, leaveAt, revokedAt } = family;
  return {
    id,
    path,
    action,
    name,
    createdBy,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    leaveAt: timeOf(leaveAt),
    revokedAt: timeOf(revokedAt),
  };
};
