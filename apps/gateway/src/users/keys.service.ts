import { Injectable } from '@nestjs/common';
import { StreamKeys, type StreamKey } from '@rovercast/directory';
import { requireRole } from '../access';
import { pageOf, timeOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import type { CreatedKey, CreateKey, KeyPage, KeyView } from './keys.dto';
import { UsersService } from './users.service';

/** Stream keys of users. */
@Injectable()
export class KeysService {
  constructor(
    private readonly keys: StreamKeys,
    private readonly users: UsersService,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async list(caller: Caller, userId: string, query: PageQuery): Promise<KeyPage> {
    await this.users.find(caller, userId);
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.keys.list(userId, page),
      (key) => key.id,
    );
    return { items: rows.map(keyView), nextCursor };
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async create(caller: Caller, userId: string, { name, expiresAt }: CreateKey): Promise<CreatedKey> {
    await this.users.find(caller, userId);
    requireRole(caller, 'admin');
    const end = expiresAt ? new Date(expiresAt) : null;
    const created = await this.keys.create(userId, { name, expiresAt: end }, caller.username);
    return { ...keyView(created), key: created.key };
  }

  /** @returns the revocation's id @throws DomainError NOT_FOUND, FORBIDDEN */
  async revoke(caller: Caller, userId: string, id: string): Promise<string> {
    await this.users.find(caller, userId);
    requireRole(caller, 'admin');
    return this.keys.revoke(userId, id, caller.username);
  }
}

const keyView = ({ id, name, expiresAt, createdAt }: StreamKey): KeyView => ({
  id,
  name,
  expiresAt: timeOf(expiresAt),
  createdAt: createdAt.toISOString(),
});
