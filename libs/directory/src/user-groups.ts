import { DomainError } from '@rovercast/contracts';
import type { DataSource } from 'typeorm';
import { USER_COLUMNS } from './accounts';
import { audit } from './audit';
import { badField, isUniqueViolation } from './failures';
import { lockHolder } from './holders';
import { requestRevocation } from './revocations';
import { withdrawTickets } from './ticket-families';
import type { User } from './users';

/** Users who share grants. */
export interface UserGroup {
  id: string;
  name: string;
  members: number;
  createdAt: Date;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;
const COLUMNS = `id, name, created_at AS "createdAt",
  (SELECT count(*)::int FROM user_group_members m WHERE m.group_id = user_groups.id) AS members`;

/** Groups of users and who is in them. Every change is audited in its own transaction. */
export class UserGroups {
  constructor(private readonly database: DataSource) {}

  /** @throws DomainError INVALID_INPUT, CONFLICT when the name is taken */
  async create(name: string, actor: string): Promise<UserGroup> {
    if (!NAME.test(name)) throw badField('name', 'name must be 1 to 64 letters, digits or any of _ . @ -');
    try {
      return await this.database.transaction(async (tx) => {
        const rows = await tx.query<UserGroup[]>(
          'INSERT INTO user_groups (name) VALUES ($1) RETURNING id, name, created_at AS "createdAt", 0 AS members',
          [name],
        );
        await audit(tx, { actor, action: 'user-group.create', target: `user-group:${name}` });
        return rows[0];
      });
    } catch (error) {
      if (isUniqueViolation(error))
        throw new DomainError('CONFLICT', `there is a user group ${name} already`);
      throw error;
    }
  }

  /** Page of groups by name, after `after`. */
  async list(page: { limit: number; after: string | null }): Promise<UserGroup[]> {
    return this.database.query<UserGroup[]>(
      `SELECT ${COLUMNS} FROM user_groups WHERE $2::text IS NULL OR name > $2 ORDER BY name LIMIT $1`,
      [page.limit, page.after],
    );
  }

  async find(id: string): Promise<UserGroup | undefined> {
    const rows = await this.database.query<UserGroup[]>(`SELECT ${COLUMNS} FROM user_groups WHERE id = $1`, [
      id,
    ]);
    return rows.at(0);
  }

  /**
   * Removes a group; its members lose its grants, and the tickets that they made with them.
   * @returns the ids of the revocations that cut its grants' sessions
   * @throws DomainError NOT_FOUND
   */
  async remove(id: string, actor: string): Promise<string[]> {
    return this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, { kind: 'group', id });
      const members = await tx.query<{ userId: string }[]>(
        'SELECT user_id AS "userId" FROM user_group_members WHERE group_id = $1',
        [id],
      );
      const grants = await tx.query<{ id: string }[]>('SELECT id FROM grants WHERE group_id = $1', [id]);
      await tx.query('DELETE FROM user_groups WHERE id = $1', [id]);
      await audit(tx, { actor, action: 'user-group.delete', target });
      const why = { reason: 'the user group was deleted', requestedBy: actor };
      await withdrawTickets(
        tx,
        members.map(({ userId }) => userId),
        why,
      );
      const revocationIds: string[] = [];
      for (const grant of grants)
        revocationIds.push(await requestRevocation(tx, { kind: 'grant', subject: grant.id, ...why }));
      return revocationIds;
    });
  }

  /** Page of a group's members by name, after `after`. */
  async members(id: string, page: { limit: number; after: string | null }): Promise<User[]> {
    return this.database.query<User[]>(
      `SELECT ${USER_COLUMNS} FROM users JOIN user_group_members m ON m.user_id = users.id
         WHERE m.group_id = $1 AND ($3::text IS NULL OR username > $3) ORDER BY username LIMIT $2`,
      [id, page.limit, page.after],
    );
  }

  /** Puts a user into a group; being in it already is fine. @throws DomainError NOT_FOUND */
  async addMember(id: string, userId: string, actor: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, { kind: 'group', id });
      const { name } = await lockHolder(tx, { kind: 'user', id: userId });
      const rows = await tx.query<unknown[]>(
        'INSERT INTO user_group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1',
        [id, userId],
      );
      if (rows.length === 0) return;
      await audit(tx, { actor, action: 'user-group.add-member', target, details: { user: name } });
    });
  }

  /**
   * Takes a user out of a group, and the tickets that it made with the group's rights.
   * @returns the id of the revocation that cuts the user's sessions: those that are still allowed come back by themselves
   * @throws DomainError NOT_FOUND
   */
  async removeMember(id: string, userId: string, actor: string): Promise<string> {
    return this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, { kind: 'group', id });
      const { name } = await lockHolder(tx, { kind: 'user', id: userId });
      const [, count] = await tx.query<[unknown[], number]>(
        'DELETE FROM user_group_members WHERE group_id = $1 AND user_id = $2',
        [id, userId],
      );
      if (count === 0) throw new DomainError('NOT_FOUND', `user ${userId} is not in the group`);
      await audit(tx, { actor, action: 'user-group.remove-member', target, details: { user: name } });
      const why = { reason: 'the user left a user group', requestedBy: actor };
      await withdrawTickets(tx, [userId], why);
      return requestRevocation(tx, { kind: 'user', subject: name, ...why });
    });
  }
}
