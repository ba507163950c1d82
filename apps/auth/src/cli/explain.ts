import { explain, type AccessAction, type AccessRequest, type Explanation } from '@rovercast/access';
import { DomainError, isValidPath } from '@rovercast/contracts';
import { GRANT_ACTIONS } from '@rovercast/database';
import type { Users } from '@rovercast/directory';

export interface ExplainQuestion {
  user?: string;
  action?: string;
  path?: string;
  address?: string;
}

/**
 * Why somebody may or may not do something, rule by rule.
 * @throws DomainError INVALID_INPUT, NOT_FOUND
 */
export async function explainAccess(
  { user, action, path, address }: ExplainQuestion,
  users: Users,
  now: number,
): Promise<string[]> {
  if (!user || !action || !path)
    throw new DomainError('INVALID_INPUT', 'access explain needs --user, --action and --path');
  if (!GRANT_ACTIONS.includes(action as AccessAction))
    throw new DomainError('INVALID_INPUT', `action must be one of ${GRANT_ACTIONS.join(', ')}`);
  if (!isValidPath(path)) throw new DomainError('INVALID_INPUT', `${JSON.stringify(path)} is no path`);
  const account = await users.accountNamed(user);
  if (!account) throw new DomainError('NOT_FOUND', `there is no user ${user}`);
  const principal = { kind: 'user' as const, ...account, disabled: account.disabledAt !== null };
  const request: AccessRequest = { action: action as AccessAction, path, address };
  return linesOf(`${account.username} (${account.role})`, request, explain(principal, request, now));
}

function linesOf(who: string, request: AccessRequest, { decision, considered }: Explanation): string[] {
  const where = request.address === undefined ? '' : ` from ${request.address}`;
  const rule = decision.rule === undefined ? '' : ` by grant ${decision.rule}`;
  const verb = decision.allow ? 'may' : 'may not';
  return [
    `${who} ${verb} ${request.action} ${request.path}${where}: ${decision.reason}${rule}`,
    ...(considered.length === 0 ? ['  no grants'] : []),
    ...considered.map(({ grant, why }) => {
      const details = [
        grant.group === undefined ? '' : `of group ${grant.group}`,
        grant.expiresAt === null ? '' : `until ${new Date(grant.expiresAt).toISOString()}`,
        grant.addressRanges === undefined ? '' : `from ${grant.addressRanges.join(', ')}`,
      ].filter(Boolean);
      const decided = grant.id === decision.rule ? '*' : ' ';
      return `${decided} ${why.padEnd(13)} ${[`${grant.action} ${grant.pattern}`, ...details].join(', ')}  [${grant.id}]`;
    }),
  ];
}
