import { Injectable } from '@nestjs/common';
import { explain, type Grant } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { Users } from '@rovercast/directory';
import { requireRole } from '../access';
import { pageOf, timeOf } from '../page';
import type { Caller } from '../session/caller';
import type { AuditPage, AuditQuery, Explanation, ExplainQuery, RuleView } from './audit.dto';
import { AuditRepository } from './audit.repository';

/** What was done, and why somebody may or may not do something. */
@Injectable()
export class AuditService {
  constructor(
    private readonly events: AuditRepository,
    private readonly users: Users,
  ) {}

  /** @throws DomainError FORBIDDEN */
  async list(caller: Caller, query: AuditQuery): Promise<AuditPage> {
    requireRole(caller, 'admin');
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.events.list(query, page),
      (event) => event.id,
    );
    return { items: rows.map((event) => ({ ...event, at: event.at.toISOString() })), nextCursor };
  }

  /** @throws DomainError FORBIDDEN for who asks about somebody else, NOT_FOUND */
  async explain(caller: Caller, { user, action, path, address }: ExplainQuery): Promise<Explanation> {
    if (user !== caller.username) requireRole(caller, 'admin');
    const account = await this.users.accountNamed(user);
    if (!account) throw new DomainError('NOT_FOUND', `there is no user ${user}`);
    const { id, username, role, grants, disabledAt } = account;
    const { decision, considered } = explain(
      { kind: 'user', id, username, role, grants, disabled: disabledAt !== null },
      { action, path, address },
      Date.now(),
    );
    const rule = grants.find((grant) => grant.id === decision.rule);
    return {
      user,
      action,
      path,
      allow: decision.allow,
      reason: decision.reason,
      ...(rule && { rule: ruleView(rule) }),
      considered: considered.map(({ grant, why }) => ({ ...ruleView(grant), outcome: why })),
    };
  }
}

const ruleView = ({ id, action, pattern, expiresAt, addressRanges, group }: Grant): RuleView => ({
  id,
  action,
  pattern,
  group: group ?? null,
  expiresAt: timeOf(expiresAt === null ? null : new Date(expiresAt)),
  addressRanges: addressRanges ?? [],
});
