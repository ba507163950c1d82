import { decide, type AccessAction } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { randomBytes } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { loadAccounts } from './accounts';
import { audit } from './audit';
import { requestRevocation } from './revocations';
import type { Account } from './users';

/** Tickets that are revoked together: a share link, or what one call made. */
export interface TicketFamily {
  /** Travels in the ticket: 11 URL-safe characters. */
  id: string;
  path: string;
  action: 'read' | 'publish';
  /** For people. */
  name: string;
  /** User name of who made it; null when that user is gone. */
  createdBy: string | null;
  expiresAt: Date;
  /** When sessions that it opened must have ended. */
  leaveAt: Date | null;
  revokedAt: Date | null;
  createdAt: Date;
}

export interface NewTicketFamily {
  path: string;
  action: 'read' | 'publish';
  name?: string;
  expiresAt: Date;
  leaveAt?: Date | null;
}

const COLUMNS = `f.id, f.path, f.action, f.name, u.username AS "createdBy", f.expires_at AS "expiresAt",
  f.leave_at AS "leaveAt", f.revoked_at AS "revokedAt", f.created_at AS "createdAt"`;
const FAMILIES = 'ticket_families f LEFT JOIN users u ON u.id = f.created_by';

/** The tickets that are out. Every change is audited in its own transaction. */
export class TicketFamilies {
  constructor(private readonly database: DataSource) {}

  async open(family: NewTicketFamily, creator: { id: string; username: string }): Promise<TicketFamily> {
    const id = randomBytes(8).toString('base64url');
    return this.database.transaction(async (tx) => {
      const rows = await tx.query<{ createdAt: Date }[]>(
        `INSERT INTO ticket_families (id, path, action, name, created_by, expires_at, leave_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING created_at AS "createdAt"`,
        [
          id,
          family.path,
          family.action,
          family.name ?? '',
          creator.id,
          family.expiresAt,
          family.leaveAt ?? null,
        ],
      );
      await audit(tx, {
        actor: creator.username,
        action: 'ticket.create',
        target: family.path,
        details: { familyId: id, action: family.action, expiresAt: family.expiresAt.toISOString() },
      });
      return {
        name: '',
        leaveAt: null,
        ...family,
        id,
        createdBy: creator.username,
        revokedAt: null,
        createdAt: rows[0].createdAt,
      };
    });
  }

  /** Page of the families whose tickets are not over, newest first; those of one user, or of all. */
  async list(page: {
    limit: number;
    after: string | null;
    createdBy: string | null;
  }): Promise<TicketFamily[]> {
    return this.database.query<TicketFamily[]>(
      `SELECT ${COLUMNS} FROM ${FAMILIES}
         WHERE (f.expires_at > now() OR f.leave_at > now()) AND ($2::uuid IS NULL OR f.created_by = $2)
           AND ($3::text IS NULL OR (f.created_at, f.id) < (SELECT c.created_at, c.id FROM ticket_families c WHERE c.id = $3))
         ORDER BY f.created_at DESC, f.id DESC LIMIT $1`,
      [page.limit, page.createdBy, page.after],
    );
  }

  async find(id: string): Promise<TicketFamily | undefined> {
    const rows = await this.database.query<TicketFamily[]>(
      `SELECT ${COLUMNS} FROM ${FAMILIES} WHERE f.id = $1`,
      [id],
    );
    return rows.at(0);
  }

  /**
   * Ends a family: its tickets open nothing any more, its sessions are cut. Ending it again asks for the cut again.
   * @returns the revocation's id
   * @throws DomainError NOT_FOUND
   */
  async revoke(id: string, actor: string): Promise<string> {
    return this.database.transaction(async (tx) => {
      const [rows] = await tx.query<[{ path: string }[], number]>(
        'UPDATE ticket_families SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING path',
        [id],
      );
      if (rows.length === 0) throw new DomainError('NOT_FOUND', `there is no share ${id}`);
      await audit(tx, { actor, action: 'ticket.revoke', target: rows[0].path, details: { familyId: id } });
      return requestRevocation(tx, {
        kind: 'ticket-family',
        subject: id,
        reason: 'the share was revoked',
        requestedBy: actor,
      });
    });
  }
}

/** Ends the tickets that users made and could not make any more, with the connection that took their right away. */
export async function withdrawTickets(
  tx: EntityManager,
  userIds: string[],
  why: { reason: string; requestedBy: string },
): Promise<void> {
  const accounts = new Map(
    (await loadAccounts(tx, 'id = ANY($1)', userIds)).map((account) => [account.id, account]),
  );
  const open = await tx.query<{ id: string; path: string; action: 'read' | 'publish'; userId: string }[]>(
    `SELECT id, path, action, created_by AS "userId" FROM ticket_families
       WHERE created_by = ANY($1) AND revoked_at IS NULL AND (expires_at > now() OR leave_at > now())`,
    [userIds],
  );
  const ended = open.filter(({ userId, path, action }) => !mayHandOut(accounts.get(userId), action, path));
  if (ended.length === 0) return;
  await tx.query('UPDATE ticket_families SET revoked_at = now() WHERE id = ANY($1)', [
    ended.map(({ id }) => id),
  ]);
  for (const { id } of ended) await requestRevocation(tx, { kind: 'ticket-family', subject: id, ...why });
}

/** The rights of which one lets an account hand out such a ticket. */
export const RIGHTS_FOR_TICKET: Record<'read' | 'publish', AccessAction[]> = {
  read: ['read'],
  publish: ['publish', 'control'],
};

function mayHandOut(account: Account | undefined, action: 'read' | 'publish', path: string): boolean {
  if (!account) return false;
  const principal = { kind: 'user' as const, ...account, disabled: account.disabledAt !== null };
  // Where the client came from was looked at when the ticket was made; the ticket is bound to it.
  const grants = principal.grants.map(({ addressRanges: _ranges, ...grant }) => grant);
  return RIGHTS_FOR_TICKET[action].some(
    (right) => decide({ ...principal, grants }, { action: right, path }, Date.now()).allow,
  );
}
