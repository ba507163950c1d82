import type { Grant } from '@rovercast/access';
import type { EntityManager } from 'typeorm';
import type { Account } from './users';

export const USER_COLUMNS = 'id, username, role, disabled_at AS "disabledAt", created_at AS "createdAt"';

interface GrantJson extends Omit<Grant, 'expiresAt' | 'addressRanges' | 'group'> {
  expiresAt: string | null;
  addressRanges: string[];
  group: string | null;
}

const GRANTS = `(
  SELECT coalesce(json_agg(json_build_object('id', g.id, 'action', g.action, 'pattern', g.pattern,
    'expiresAt', g.expires_at, 'addressRanges', g.address_ranges, 'group', ug.name) ORDER BY ug.name NULLS FIRST, g.id), '[]')
  FROM grants g LEFT JOIN user_groups ug ON ug.id = g.group_id
  WHERE g.user_id = users.id
    OR g.group_id IN (SELECT m.group_id FROM user_group_members m WHERE m.user_id = users.id)
)`;

/** Accounts with all their rights, those of their groups included. */
export async function loadAccounts(
  tx: Pick<EntityManager, 'query'>,
  condition: 'username = $1' | 'id = $1' | 'id = ANY($1)',
  value: string | string[],
): Promise<Account[]> {
  const rows = await tx.query<(Omit<Account, 'grants'> & { grants: GrantJson[] })[]>(
    `SELECT ${USER_COLUMNS}, password_hash AS "passwordHash", ${GRANTS} AS grants FROM users WHERE ${condition}`,
    [value],
  );
  return rows.map((row) => ({ ...row, grants: row.grants.map(grantOf) }));
}

const grantOf = ({ expiresAt, addressRanges, group, ...grant }: GrantJson): Grant => ({
  ...grant,
  expiresAt: expiresAt === null ? null : Date.parse(expiresAt),
  ...(addressRanges.length > 0 && { addressRanges }),
  ...(group !== null && { group }),
});
