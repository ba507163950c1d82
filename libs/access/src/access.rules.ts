import { assertNever, ownerOfPath } from '@rovercast/contracts';
import { matchesPath } from './pattern.rules';

/** A standing right: an action on the paths that a pattern covers. */
export interface Grant {
  id: string;
  action: AccessAction;
  pattern: string;
  /** Epoch milliseconds; null: for good. */
  expiresAt: number | null;
}

/** `read` and `publish` are asked by the media server, `control` by the gateway before it orders a robot. */
export type AccessAction = 'read' | 'publish' | 'control';

/** Who asks, once the credentials are known to be good. */
export type Principal =
  | {
      kind: 'user';
      id: string;
      username: string;
      role: 'admin' | 'operator' | 'viewer' | 'service';
      disabled: boolean;
      grants: Grant[];
    }
  | { kind: 'robot'; robotId: string; disabled: boolean }
  | { kind: 'ticket'; subject: string; action: AccessAction; path: string };

export interface AccessRequest {
  action: AccessAction;
  path: string;
}

export type AccessReason =
  | 'ADMIN'
  | 'GRANTED'
  | 'OWN_PATH'
  | 'TICKET'
  | 'DISABLED'
  | 'NOT_OWN_PATH'
  | 'PATH_NOT_GRANTED'
  | 'GRANT_EXPIRED'
  | 'TICKET_FOR_OTHER_PATH'
  | 'TICKET_FOR_OTHER_ACTION';

export interface Decision {
  allow: boolean;
  reason: AccessReason;
  /** Id of the grant that decided. */
  rule?: string;
}

const allow = (reason: AccessReason, rule?: string): Decision => ({
  allow: true,
  reason,
  ...(rule && { rule }),
});
const deny = (reason: AccessReason, rule?: string): Decision => ({
  allow: false,
  reason,
  ...(rule && { rule }),
});

/** Whether a principal may do what it asks, and why. `now` in epoch milliseconds. */
export function decide(principal: Principal, request: AccessRequest, now: number): Decision {
  switch (principal.kind) {
    case 'user':
      return decideUser(principal, request, now);
    case 'robot':
      if (principal.disabled) return deny('DISABLED');
      if (request.action !== 'publish') return deny('PATH_NOT_GRANTED');
      return ownerOfPath(request.path)?.robotId === principal.robotId
        ? allow('OWN_PATH')
        : deny('NOT_OWN_PATH');
    case 'ticket':
      if (principal.action !== request.action) return deny('TICKET_FOR_OTHER_ACTION');
      return principal.path === request.path ? allow('TICKET') : deny('TICKET_FOR_OTHER_PATH');
    default:
      return assertNever(principal);
  }
}

function decideUser(
  user: Extract<Principal, { kind: 'user' }>,
  request: AccessRequest,
  now: number,
): Decision {
  if (user.disabled) return deny('DISABLED');
  if (user.role === 'admin') return allow('ADMIN');
  let expired: Grant | undefined;
  for (const grant of user.grants) {
    if (grant.action !== request.action || !matchesPath(grant.pattern, request.path)) continue;
    if (grant.expiresAt === null || grant.expiresAt > now) return allow('GRANTED', grant.id);
    expired = grant;
  }
  return expired ? deny('GRANT_EXPIRED', expired.id) : deny('PATH_NOT_GRANTED');
}
