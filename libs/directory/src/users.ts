import {
  isValidPattern,
  PASSWORD_MAX_CHARS,
  PASSWORD_MIN_CHARS,
  type AccessAction,
  type Grant,
  type PasswordPool,
} from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { ROLES, type Role } from '@rovercast/database';
import type { DataSource, EntityManager } from 'typeorm';
import { audit } from './audit';
import { badField, isUniqueViolation } from './failures';

/** A user as others may see it. */
export interface User {
  id: string;
  username: string;
  role: Role;
  disabledAt: Date | null;
  createdAt: Date;
}

/** A user with what it takes to let it in. */
export interface Account extends User {
  passwordHash: string | null;
  grants: Grant[];
}

export interface NewUser {
  username: string;
  password: string | null;
  role: Role;
}

export interface NewGrant {
  action: AccessAction;
  pattern: string;
  expiresAt?: Date | null;
}

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;
const COLUMNS = 'id, username, role, disabled_at AS "disabledAt", created_at AS "createdAt"';

/** The user table: accounts and their standing rights. Every change is audited in its own transaction. */
export class Users {
  constructor(
    private readonly database: DataSource,
    private readonly passwords: PasswordPool,
  ) {}

  /** @throws DomainError INVALID_INPUT, CONFLICT when the name is taken */
  async create(user: NewUser, actor: string): Promise<User> {
    if (!USERNAME.test(user.username)) {
      throw badField('username', 'username must be 1 to 64 letters, digits or any of _ . @ -');
    }
    if (!ROLES.includes(user.role)) throw badField('role', `role must be one of ${ROLES.join(', ')}`);
    const hash = user.password === null ? null : await this.hash(user.password);
    try {
      return await this.database.transaction(async (tx) => {
        const rows = await tx.query<User[]>(
          `INSERT INTO users (username, password_hash, role) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`,
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

  /** @throws DomainError NOT_FOUND */
  async disable(username: string, actor: string): Promise<void> {
    await this.change(username, { actor, action: 'user.disable' }, (tx) =>
      tx.query(
        'UPDATE users SET disabled_at = coalesce(disabled_at, now()) WHERE username = $1 RETURNING id',
        [username],
      ),
    );
  }

  /** Gives a right; giving it again only sets when it ends. @throws DomainError NOT_FOUND, INVALID_INPUT */
  async grant(username: string, grant: NewGrant, actor: string): Promise<void> {
    if (!isValidPattern(grant.pattern)) {
      throw badField(
        'pattern',
        'pattern must be path segments, * for one segment, ** at the end for the rest',
      );
    }
    await this.change(
      username,
      { actor, action: 'grant.create', details: { grant: `${grant.action} ${grant.pattern}` } },
      (tx) =>
        tx.query(
          `INSERT INTO grants (user_id, action, pattern, expires_at) SELECT id, $2, $3, $4 FROM users WHERE username = $1
             ON CONFLICT (user_id, action, pattern) DO UPDATE SET expires_at = excluded.expires_at RETURNING id`,
          [username, grant.action, grant.pattern, grant.expiresAt ?? null],
        ),
    );
  }

  async accountNamed(username: string): Promise<Account | undefined> {
    return this.account('username = $1', username);
  }

  async accountWithId(id: string): Promise<Account | undefined> {
    return this.account('id = $1', id);
  }

  private async account(condition: string, value: string): Promise<Account | undefined> {
    const rows = await this.database.query<
      (Omit<Account, 'grants'> & { grants: (Omit<Grant, 'expiresAt'> & { expiresAt: string | null })[] })[]
    >(
      `SELECT ${COLUMNS}, password_hash AS "passwordHash", (
         SELECT coalesce(json_agg(json_build_object('id', g.id, 'action', g.action, 'pattern', g.pattern, 'expiresAt', g.expires_at)), '[]')
         FROM grants g WHERE g.user_id = users.id) AS grants
       FROM users WHERE ${condition}`,
      [value],
    );
    const row = rows.at(0);
    return (
      row && {
        ...row,
        grants: row.grants.map((g) => ({
          ...g,
          expiresAt: g.expiresAt === null ? null : Date.parse(g.expiresAt),
        })),
      }
    );
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

  private hash(password: string): Promise<string> {
    if (password.length < PASSWORD_MIN_CHARS || password.length > PASSWORD_MAX_CHARS) {
      throw badField(
        'password',
        `password must have ${PASSWORD_MIN_CHARS} to ${PASSWORD_MAX_CHARS} characters`,
      );
    }
    return this.passwords.hash(password);
  }
}
