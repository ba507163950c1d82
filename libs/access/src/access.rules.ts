import { assertNever, ownerOfPath } from '@rovercast/contracts';
import { isInAddressRanges, isSameAddress } from './address.rules';
import { matchesPath } from './pattern.rules';

/** A standing right: an action on the paths that a pattern covers. */
export interface Grant {
  id: string;
  action: AccessAction;
  pattern: string;
  /** Epoch milliseconds; null: for good. */
  expiresAt: number | null;
  /** CIDR ranges of which the client must be in one; none: from anywhere. */
  addressRanges?: string[];
  /** The group of users that it comes from; absent for the user's own. */
  group?: string;
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
      /** Its own and those of its groups. */
      grants: Grant[];
    }
  | { kind: 'robot'; robotId: string; disabled: boolean }
  | {
      kind: 'ticket';
      subject: string;
      action: AccessAction;
      path: string;
      /** The only address from which it opens anything. */
      address?: string;
    };

export interface AccessRequest {
  action: AccessAction;
  path: string;
  /** IP address of the client; a right that is bound to addresses needs it. */
  address?: string;
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
  | 'ADDRESS_NOT_ALLOWED'
  | 'TICKET_FOR_OTHER_PATH'
  | 'TICKET_FOR_OTHER_ACTION'
  | 'TICKET_FOR_OTHER_ADDRESS';

export interface Decision {
  allow: boolean;
  reason: AccessReason;
  /** Id of the grant that decided. */
  rule?: string;
}

/** What one grant says to one request; `COVERS` or the first thing that does not fit. */
export type GrantVerdict = 'COVERS' | 'OTHER_ACTION' | 'OTHER_PATH' | 'EXPIRED' | 'OTHER_ADDRESS';

/** A decision, and each grant that was looked at for it. */
export interface Explanation {
  decision: Decision;
  considered: { grant: Grant; covers: boolean; why: GrantVerdict }[];
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
      return decideTicket(principal, request);
    default:
      return assertNever(principal);
  }
}

/** The decision with all that was looked at, for people who wonder. */
export function explain(principal: Principal, request: AccessRequest, now: number): Explanation {
  const grants = principal.kind === 'user' ? principal.grants : [];
  return {
    decision: decide(principal, request, now),
    considered: grants.map((grant) => {
      const why = examine(grant, request, now);
      return { grant, covers: why === 'COVERS', why };
    }),
  };
}

function decideUser(
  user: Extract<Principal, { kind: 'user' }>,
  request: AccessRequest,
  now: number,
): Decision {
  if (user.disabled) return deny('DISABLED');
  if (user.role === 'admin') return allow('ADMIN');
  let expired: Grant | undefined;
  let elsewhere: Grant | undefined;
  for (const grant of user.grants) {
    const verdict = examine(grant, request, now);
    if (verdict === 'COVERS') return allow('GRANTED', grant.id);
    if (verdict === 'EXPIRED') expired = grant;
    if (verdict === 'OTHER_ADDRESS') elsewhere = grant;
  }
  if (elsewhere) return deny('ADDRESS_NOT_ALLOWED', elsewhere.id);
  return expired ? deny('GRANT_EXPIRED', expired.id) : deny('PATH_NOT_GRANTED');
}

function examine(grant: Grant, { action, path, address }: AccessRequest, now: number): GrantVerdict {
  if (grant.action !== action) return 'OTHER_ACTION';
  if (!matchesPath(grant.pattern, path)) return 'OTHER_PATH';
  if (grant.expiresAt !== null && grant.expiresAt <= now) return 'EXPIRED';
  const ranges = grant.addressRanges ?? [];
  return ranges.length === 0 || isInAddressRanges(address ?? '', ranges) ? 'COVERS' : 'OTHER_ADDRESS';
}

function decideTicket(ticket: Extract<Principal, { kind: 'ticket' }>, request: AccessRequest): Decision {
  if (ticket.action !== request.action) return deny('TICKET_FOR_OTHER_ACTION');
  if (ticket.path !== request.path) return deny('TICKET_FOR_OTHER_PATH');
  if (ticket.address !== undefined && !isSameAddress(ticket.address, request.address ?? ''))
    return deny('TICKET_FOR_OTHER_ADDRESS');
  return allow('TICKET');
}
