import {
  PASSWORD_MAX_CHARS,
  PASSWORD_MIN_CHARS,
  PasswordPoolFull,
  type Grant,
  type PasswordPool,
} from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { ROLES, type Role } from '@rovercast/database';
import type { DataSource, EntityManager } from 'typeorm';
import { loadAccounts, USER_COLUMNS } from './accounts';
import { audit } from './audit';
import { badField, isUniqueViolation } from './failures';
import { checkGrant, type NewGrant } from './grants';
import { requestRevocation } from './revocations';
import { withdrawTickets } from './ticket-families';

/** A user as others may see it. */
export interface User {
  id: string;
  username: string;
  role: Role;
  disabledAt: Date | null;
  createdAt: Date;
}

/** A user with what it takes to let it in; the grants of its groups are among its own. */
export interface Account extends User {
  passwordHash: string | null;
  grants: Grant[];
}

export interface NewUser {
  username: string;
  password: string | null;
  role: Role;
}

/** What is left out stays as it is. */
export interface UserChange {
  username?: string;
  role?: Role;
  disabled?: boolean;
  password?: string;
}

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

/** The user table: accounts and their standing rights. Every change is audited in its own transaction. */
export class Users {
  constructor(
    private readonly database: DataSource,
    private readonly passwords: PasswordPool,
  ) {}

  /** @throws DomainError INVALID_INPUT, CONFLICT when the name is taken */
  async create(user: NewUser, actor: string): Promise<User> {
    checkNames({ username: user.username, role: user.role ?? '' });
    const hash = user.password === null ? null : await this.hash(user.password);
    try {
      return await this.database.transaction(async (tx) => {
        const rows = await tx.query<User[]>(
          `INSERT INTO users (username, password_hash, role) VALUES ($1, $2, $3) RETURNING ${USER_COLUMNS}`,
          [user.username, hash, user.role],
        );
        await audit(tx, {
          actor,
          action: 'user.create',
          target: user.username,
          details: { role: user.role },
        });
        return rows[0];
      });
    } catch (error) {
      if (isUniqueViolation(error))
        throw new DomainError('CONFLICT', `there is a user ${user.username} already`);
      throw error;
    }
  }

  /** @throws DomainError NOT_FOUND, INVALID_INPUT */
  async setPassword(username: string, password: string, actor: string): Promise<void> {
    const hash = await this.hash(password);
    await this.change(username, { actor, action: 'user.password' }, (tx) =>
      tx.query('UPDATE users SET password_hash = $2 WHERE username = $1 RETURNING id', [username, hash]),
    );
  }

  /** @throws DomainError NOT_FOUND, CONFLICT when nobody would be left to administer */
  async disable(username: string, actor: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const found = await tx.query<{ id: string }[]>('SELECT id FROM users WHERE username = $1', [username]);
      if (found.length === 0) throw new DomainError('NOT_FOUND', `there is no user ${username}`);
      const before = await this.lock(tx, found[0].id);
      const [[user]] = await tx.query<[User[], number]>(
        `UPDATE users SET disabled_at = coalesce(disabled_at, now()) WHERE id = $1 RETURNING ${USER_COLUMNS}`,
        [before.id],
      );
      await requireAdmin(tx, before);
      await audit(tx, { actor, action: 'user.disable', target: username });
      await this.afterChange(tx, { before, user, passwordChanged: false }, actor);
    });
  }

  /** Gives a right; giving it again only sets when it ends. @throws DomainError NOT_FOUND, INVALID_INPUT */
  async grant(username: string, grant: NewGrant, actor: string): Promise<void> {
    checkGrant(grant);
    await this.change(
      username,
      { actor, action: 'grant.create', details: { grant: `${grant.action} ${grant.pattern}` } },
      (tx) =>
        tx.query(
          `INSERT INTO grants (user_id, action, pattern, expires_at, address_ranges) SELECT id, $2, $3, $4, $5 FROM users WHERE username = $1
             ON CONFLICT (user_id, action, pattern)
             DO UPDATE SET expires_at = excluded.expires_at, address_ranges = excluded.address_ranges RETURNING id`,
          [username, grant.action, grant.pattern, grant.expiresAt ?? null, grant.addressRanges ?? []],
        ),
    );
  }

  async accountNamed(username: string): Promise<Account | undefined> {
    return (await loadAccounts(this.database, 'username = $1', username)).at(0);
  }

  async accountWithId(id: string): Promise<Account | undefined> {
    return (await loadAccounts(this.database, 'id = $1', id)).at(0);
  }

  /** Page of users by name, after `after`. */
  async list(page: { limit: number; after: string | null }): Promise<User[]> {
    return this.database.query<User[]>(
      `SELECT ${USER_COLUMNS} FROM users WHERE $2::text IS NULL OR username > $2 ORDER BY username LIMIT $1`,
      [page.limit, page.after],
    );
  }

  async find(id: string): Promise<User | undefined> {
    const rows = await this.database.query<User[]>(`SELECT ${USER_COLUMNS} FROM users WHERE id = $1`, [id]);
    return rows.at(0);
  }

  /**
   * Changes what is given. Who is disabled or renamed loses its sessions; a new password ends its logins.
   * @returns the user, and the id of the revocation that cuts its sessions, if there is one
   * @throws DomainError NOT_FOUND, INVALID_INPUT, CONFLICT when the name is taken or nobody would be left to administer
   */
  async update(
    id: string,
    change: UserChange,
    actor: string,
  ): Promise<{ user: User; revocationId: string | null }> {
    checkNames(change);
    const hash = change.password === undefined ? null : await this.hash(change.password);
    const { password: _password, ...told } = change;
    try {
      return await this.database.transaction(async (tx) => {
        const before = await this.lock(tx, id);
        const [[user]] = await tx.query<[User[], number]>(
          `UPDATE users SET username = coalesce($2, username), role = coalesce($3, role), password_hash = coalesce($5, password_hash),
             disabled_at = CASE WHEN $4::boolean THEN coalesce(disabled_at, now()) WHEN NOT $4::boolean THEN NULL ELSE disabled_at END
           WHERE id = $1 RETURNING ${USER_COLUMNS}`,
          [id, change.username ?? null, change.role ?? null, change.disabled ?? null, hash],
        );
        await requireAdmin(tx, before);
        const details = { ...told, ...(hash !== null && { password: 'changed' }) };
        await audit(tx, { actor, action: 'user.update', target: before.username, details });
        const revocationId = await this.afterChange(
          tx,
          { before, user, passwordChanged: hash !== null },
          actor,
        );
        return { user, revocationId };
      });
    } catch (error) {
      if (isUniqueViolation(error))
        throw new DomainError('CONFLICT', `there is a user ${change.username} already`);
      throw error;
    }
  }

  /**
   * Removes a user with its rights, keys, tickets and logins.
   * @returns the id of the revocation that cuts its sessions
   * @throws DomainError NOT_FOUND, CONFLICT when nobody would be left to administer
   */
  async remove(id: string, actor: string): Promise<string> {
    return this.database.transaction(async (tx) => {
      const before = await this.lock(tx, id);
      // The door knows a revoked family by its row: it stays without its maker until it is over.
      await tx.query(
        `UPDATE ticket_families SET revoked_at = coalesce(revoked_at, now()), created_by = NULL WHERE created_by = $1`,
        [id],
      );
      await tx.query('DELETE FROM users WHERE id = $1', [id]);
      await requireAdmin(tx, before);
      await audit(tx, { actor, action: 'user.delete', target: before.username });
      return requestRevocation(tx, {
        kind: 'user',
        subject: before.username,
        reason: 'the user was deleted',
        requestedBy: actor,
      });
    });
  }

  /**
   * Takes back all that a user holds: logins, stream keys and tickets end, sessions are cut. Its password and its rights stay.
   * @returns the revocation's id
   * @throws DomainError NOT_FOUND
   */
  async revoke(id: string, { actor, reason }: { actor: string; reason: string }): Promise<string> {
    return this.database.transaction(async (tx) => {
      const { username } = await this.lock(tx, id);
      await endLogins(tx, id);
      await tx.query('UPDATE stream_keys SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL', [
        id,
      ]);
      await tx.query(
        'UPDATE ticket_families SET revoked_at = now() WHERE created_by = $1 AND revoked_at IS NULL',
        [id],
      );
      await audit(tx, { actor, action: 'user.revoke', target: username, details: { reason } });
      return requestRevocation(tx, { kind: 'user-sessions', subject: username, reason, requestedBy: actor });
    });
  }

  private async afterChange(
    tx: EntityManager,
    { before, user, passwordChanged }: { before: User; user: User; passwordChanged: boolean },
    actor: string,
  ): Promise<string | null> {
    const disabled = before.disabledAt === null && user.disabledAt !== null;
    const renamed = before.username !== user.username;
    if (disabled || passwordChanged) await endLogins(tx, user.id);
    const why = reasonOf({ disabled, renamed, demoted: before.role === 'admin' && user.role !== 'admin' });
    if (why === undefined) return null;
    await withdrawTickets(tx, [user.id], { reason: why, requestedBy: actor });
    return requestRevocation(tx, {
      kind: 'user',
      subject: before.username,
      reason: why,
      requestedBy: actor,
    });
  }

  /** Locks the user, behind the admins: whether one is left must not depend on who commits first. */
  private async lock(tx: EntityManager, id: string): Promise<User> {
    await tx.query(`SELECT 1 FROM users WHERE role = 'admin' OR id = $1 ORDER BY id FOR UPDATE`, [id]);
    const rows = await tx.query<User[]>(`SELECT ${USER_COLUMNS} FROM users WHERE id = $1`, [id]);
    if (rows.length === 0) throw new DomainError('NOT_FOUND', `there is no user ${id}`);
    return rows[0];
  }

  private async change(
    username: string,
    line: { actor: string; action: string; details?: Record<string, unknown> },
    act: (tx: EntityManager) => Promise<unknown>,
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const result = (await act(tx)) as unknown[] | [unknown[], number];
      // The driver answers [rows, count] to UPDATE and DELETE, and rows to INSERT.
      const rows = Array.isArray(result[0]) ? result[0] : result;
      if (rows.length === 0) throw new DomainError('NOT_FOUND', `there is no user ${username}`);
      await audit(tx, { ...line, target: username });
    });
  }

  private async hash(password: string): Promise<string> {
    if (password.length < PASSWORD_MIN_CHARS || password.length > PASSWORD_MAX_CHARS) {
      throw badField(
        'password',
        `password must have ${PASSWORD_MIN_CHARS} to ${PASSWORD_MAX_CHARS} characters`,
      );
    }
    try {
      return await this.passwords.hash(password);
    } catch (error) {
      if (!(error instanceof PasswordPoolFull)) throw error;
      throw new DomainError('TOO_MANY_REQUESTS', 'too many passwords are set at once', {
        retryAfterSeconds: 2,
      });
    }
  }
}

function checkNames({ username, role }: UserChange): void {
  if (username !== undefined && !USERNAME.test(username))
    throw badField('username', 'username must be 1 to 64 letters, digits or any of _ . @ -');
  if (role !== undefined && !ROLES.includes(role))
    throw badField('role', `role must be one of ${ROLES.join(', ')}`);
}

/** Why a change of a user cuts its sessions, or undefined when it does not. */
function reasonOf(change: { disabled: boolean; renamed: boolean; demoted: boolean }): string | undefined {
  if (change.disabled) return 'the user was disabled';
  if (change.renamed) return 'the user was renamed';
  return change.demoted ? 'the user is no admin any more' : undefined;
}

/** Refresh tokens end; access tokens of who is not disabled live out their ten minutes. */
async function endLogins(tx: EntityManager, userId: string): Promise<void> {
  await tx.query('UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL', [
    userId,
  ]);
}

/** @throws DomainError CONFLICT when the one that changed was the last who could administer */
async function requireAdmin(tx: EntityManager, before: User): Promise<void> {
  if (before.role !== 'admin' || before.disabledAt !== null) return;
  const rows = await tx.query<unknown[]>(
    `SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL LIMIT 1`,
  );
  if (rows.length === 0)
    throw new DomainError('CONFLICT', 'the last active admin can be neither disabled, deleted nor demoted');
}
