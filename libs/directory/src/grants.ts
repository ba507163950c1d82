import { isValidPattern, type AccessAction } from '@rovercast/access';
import { GRANT_ACTIONS } from '@rovercast/database';
import { DomainError } from '@rovercast/contracts';
import type { DataSource, EntityManager } from 'typeorm';
import { ADDRESS_RANGES_MAX, isAddressRange } from './address-ranges';
import { audit } from './audit';
import { badField } from './failures';
import { requestRevocation } from './revocations';
import { lockHolder, type Holder } from './holders';
import { withdrawTickets } from './ticket-families';

export interface NewGrant {
  action: AccessAction;
  pattern: string;
  expiresAt?: Date | null;
  /** CIDR ranges that the client must come from; none: from anywhere. */
  addressRanges?: string[];
}

/** A grant as it is stored with a user or a group. */
export interface StoredGrant {
  id: string;
  action: AccessAction;
  pattern: string;
  expiresAt: Date | null;
  addressRanges: string[];
  createdAt: Date;
}

const COLUMNS = `id, action, pattern, expires_at AS "expiresAt", address_ranges AS "addressRanges", created_at AS "createdAt"`;

/** Standing rights of users and of groups of users. Every change is audited in its own transaction. */
export class Grants {
  constructor(private readonly database: DataSource) {}

  /** Page of a holder's own grants by id, after `after`. @throws DomainError NOT_FOUND */
  async list(holder: Holder, page: { limit: number; after: string | null }): Promise<StoredGrant[]> {
    return this.database.query<StoredGrant[]>(
      `SELECT ${COLUMNS} FROM grants WHERE ${holder.kind}_id = $1 AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $2`,
      [holder.id, page.limit, page.after],
    );
  }

  /**
   * Gives a right; giving it again sets its end and its ranges. One that became narrower is asked for again: the sessions that
   * it had opened are cut.
   * @throws DomainError NOT_FOUND, INVALID_INPUT
   */
  async add(holder: Holder, grant: NewGrant, actor: string): Promise<StoredGrant> {
    checkGrant(grant);
    return this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, holder);
      const before = await tx.query<StoredGrant[]>(
        `SELECT ${COLUMNS} FROM grants WHERE ${holder.kind}_id = $1 AND action = $2 AND pattern = $3`,
        [holder.id, grant.action, grant.pattern],
      );
      const rows = await tx.query<StoredGrant[]>(
        `INSERT INTO grants (${holder.kind}_id, action, pattern, expires_at, address_ranges) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (${holder.kind}_id, action, pattern)
           DO UPDATE SET expires_at = excluded.expires_at, address_ranges = excluded.address_ranges RETURNING ${COLUMNS}`,
        [holder.id, grant.action, grant.pattern, grant.expiresAt ?? null, grant.addressRanges ?? []],
      );
      await audit(tx, { actor, action: 'grant.create', target, details: detailsOf(rows[0]) });
      if (before.length > 0 && isNarrower(rows[0], before[0])) {
        await this.withdraw(tx, holder, rows[0].id, { reason: 'the grant was narrowed', requestedBy: actor });
      }
      return rows[0];
    });
  }

  /**
   * Takes a right away, and the tickets that were made with it.
   * @returns the id of the revocation that cuts its sessions
   * @throws DomainError NOT_FOUND
   */
  async remove(holder: Holder, id: string, actor: string): Promise<string> {
    return this.database.transaction(async (tx) => {
      const { target } = await lockHolder(tx, holder);
      const [rows] = await tx.query<[StoredGrant[], number]>(
        `DELETE FROM grants WHERE id = $1 AND ${holder.kind}_id = $2 RETURNING ${COLUMNS}`,
        [id, holder.id],
      );
      if (rows.length === 0) throw new DomainError('NOT_FOUND', `there is no grant ${id}`);
      await audit(tx, { actor, action: 'grant.delete', target, details: detailsOf(rows[0]) });
      return this.withdraw(tx, holder, id, { reason: 'the grant was deleted', requestedBy: actor });
    });
  }

  private async withdraw(
    tx: EntityManager,
    holder: Holder,
    grantId: string,
    why: { reason: string; requestedBy: string },
  ): Promise<string> {
    const holders =
      holder.kind === 'user'
        ? [{ userId: holder.id }]
        : await tx.query<{ userId: string }[]>(
            'SELECT user_id AS "userId" FROM user_group_members WHERE group_id = $1',
            [holder.id],
          );
    await withdrawTickets(
      tx,
      holders.map(({ userId }) => userId),
      why,
    );
    return requestRevocation(tx, { kind: 'grant', subject: grantId, ...why });
  }
}

/** @throws DomainError INVALID_INPUT */
export function checkGrant({ action, pattern, expiresAt, addressRanges = [] }: NewGrant): void {
  if (!GRANT_ACTIONS.includes(action))
    throw badField('action', `action must be one of ${GRANT_ACTIONS.join(', ')}`);
  if (!isValidPattern(pattern))
    throw badField('pattern', 'pattern must be path segments, * for one segment, ** at the end for the rest');
  if (expiresAt && Number.isNaN(expiresAt.getTime()))
    throw badField('expiresAt', 'expiresAt must be a time as in RFC 3339');
  if (addressRanges.length > ADDRESS_RANGES_MAX || !addressRanges.every(isAddressRange))
    throw badField('addressRanges', `addressRanges must be ${ADDRESS_RANGES_MAX} CIDR ranges at most`);
}

function isNarrower(now: StoredGrant, before: StoredGrant): boolean {
  const end = (grant: StoredGrant): number => grant.expiresAt?.getTime() ?? Infinity;
  const widened = now.addressRanges.length === 0;
  const sameRanges =
    before.addressRanges.length > 0 &&
    before.addressRanges.every((range) => now.addressRanges.includes(range));
  return end(now) < end(before) || !(widened || sameRanges);
}

const detailsOf = ({
  id,
  action,
  pattern,
  expiresAt,
  addressRanges,
}: StoredGrant): Record<string, unknown> => ({
  grantId: id,
  grant: `${action} ${pattern}`,
  ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  ...(addressRanges.length > 0 && { addressRanges }),
});
