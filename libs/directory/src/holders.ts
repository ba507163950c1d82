import { DomainError } from '@rovercast/contracts';
import type { EntityManager } from 'typeorm';

/** Who has grants. */
export interface Holder {
  kind: 'user' | 'group';
  id: string;
}

const LOCKS = {
  user: `SELECT username AS name FROM users WHERE id = $1 FOR NO KEY UPDATE`,
  group: `SELECT name FROM user_groups WHERE id = $1 FOR NO KEY UPDATE`,
};

/**
 * Locks a user or a group for a change. It comes first in every transaction that changes either: the rows behind it, the policy
 * version among them, are then taken in one order.
 * @returns what the audit calls it
 * @throws DomainError NOT_FOUND
 */
export async function lockHolder(
  tx: EntityManager,
  { kind, id }: Holder,
): Promise<{ name: string; target: string }> {
  const rows = await tx.query<{ name: string }[]>(LOCKS[kind], [id]);
  if (rows.length === 0) throw new DomainError('NOT_FOUND', `there is no ${kind} ${id}`);
  return { name: rows[0].name, target: kind === 'user' ? rows[0].name : `user-group:${rows[0].name}` };
}
