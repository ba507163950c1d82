import { Injectable } from '@nestjs/common';
import { Users, type Account } from '@rovercast/directory';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller';

/** How long a changed or disabled account may still pass for what it was, in milliseconds. */
const ACCOUNT_TTL_MS = 1_000;

/** Accounts by id, read at most once a second. */
@Injectable()
export class Accounts {
  private readonly cache = new LRUCache<string, Account>({
    max: 10_000,
    ttl: ACCOUNT_TTL_MS,
    fetchMethod: (id) => this.users.accountWithId(id),
  });

  constructor(private readonly users: Users) {}

  /** @param address where the request comes from */
  async caller(userId: string, address: string): Promise<Caller | undefined> {
    const account = await this.cache.fetch(userId);
    return account && callerOf(account, address);
  }
}

const callerOf = (account: Account, address: string): Caller => ({
  kind: 'user',
  id: account.id,
  username: account.username,
  role: account.role,
  disabled: account.disabledAt !== null,
  grants: account.grants,
  address,
});
