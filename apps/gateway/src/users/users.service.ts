import { Injectable } from '@nestjs/common';
import { PasswordPool, PasswordPoolFull } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { badField, Users, type User } from '@rovercast/directory';
import { requireRole } from '../access';
import { pageOf, timeOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import type { CreateUser, UpdatedUser, UpdateUser, UserPage, UserView } from './users.dto';

/** The user table, as far as a caller may see and change it: admins all of it, everybody else oneself. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: Users,
    private readonly passwords: PasswordPool,
  ) {}

  /** @throws DomainError FORBIDDEN, INVALID_INPUT, CONFLICT */
  async create(caller: Caller, { username, password, role }: CreateUser): Promise<UserView> {
    requireRole(caller, 'admin');
    return userView(await this.users.create({ username, password: password ?? null, role }, caller.username));
  }

  /** @throws DomainError FORBIDDEN */
  async list(caller: Caller, query: PageQuery): Promise<UserPage> {
    requireRole(caller, 'admin');
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.users.list(page),
      (user) => user.username,
    );
    return { items: rows.map(userView), nextCursor };
  }

  /** @throws DomainError NOT_FOUND, also for who may not know */
  async get(caller: Caller, id: string): Promise<UserView> {
    return userView(await this.find(caller, id));
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN, INVALID_INPUT, CONFLICT, TOO_MANY_REQUESTS */
  async update(caller: Caller, id: string, { oldPassword, ...change }: UpdateUser): Promise<UpdatedUser> {
    const own = (await this.find(caller, id)).id === caller.id;
    const { username, role, disabled, password } = change;
    if ([username, role, disabled].some((value) => value !== undefined)) requireRole(caller, 'admin');
    if (own && password !== undefined) await this.requirePassword(id, oldPassword);
    const { user, revocationId } = await this.users.update(id, change, caller.username);
    return { ...userView(user), revocationId };
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT */
  async remove(caller: Caller, id: string): Promise<string> {
    await this.find(caller, id);
    requireRole(caller, 'admin');
    return this.users.remove(id, caller.username);
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async revoke(caller: Caller, id: string, reason: string): Promise<string> {
    await this.find(caller, id);
    requireRole(caller, 'admin');
    return this.users.revoke(id, { actor: caller.username, reason });
  }

  /** A user that the caller may know of: an admin knows all, others themselves. @throws DomainError NOT_FOUND */
  async find(caller: Caller, id: string): Promise<User> {
    const user =
      caller.role === 'admin' || caller.id === id.toLowerCase() ? await this.users.find(id) : undefined;
    if (!user) throw new DomainError('NOT_FOUND', `there is no user ${id}`);
    return user;
  }

  private async requirePassword(id: string, oldPassword: string | undefined): Promise<void> {
    if (oldPassword === undefined)
      throw badField('oldPassword', 'oldPassword must be given to change your own password');
    const account = await this.users.accountWithId(id);
    if (await this.isPassword(account?.passwordHash ?? null, oldPassword)) return;
    throw new DomainError('FORBIDDEN', 'the old password is wrong');
  }

  private async isPassword(hash: string | null, password: string): Promise<boolean> {
    try {
      return await this.passwords.verify(hash, password);
    } catch (error) {
      if (!(error instanceof PasswordPoolFull)) throw error;
      throw new DomainError('TOO_MANY_REQUESTS', 'too many passwords are checked at once', {
        retryAfterSeconds: 2,
      });
    }
  }
}

export const userView = ({ id, username, role, disabledAt, createdAt }: User): UserView => ({
  id,
  username,
  role,
  disabled: disabledAt !== null,
  disabledAt: timeOf(disabledAt),
  createdAt: createdAt.toISOString(),
});
