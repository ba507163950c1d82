import { decide, type Principal } from '@rovercast/access';
import type { Admission, PolicyFacts } from './access.facts';

/** Ended by the clock, as everybody knew they would. */
export const TIMED_ENDS = ['leave_at', 'grant_expired', 'key_expired'] as const;
/** Ended by a change of the tables. */
export const CHANGED_ENDS = [
  'ticket_family_revoked',
  'key_revoked',
  'user_disabled',
  'user_gone',
  'robot_disabled',
  'robot_gone',
  'right_lost',
] as const;

/** Why a session may not go on. */
export type EndOfRight = (typeof TIMED_ENDS)[number] | (typeof CHANGED_ENDS)[number];

/**
 * Why what was allowed once is not allowed any more, or undefined while it still is. A ticket for somebody whom the tables do
 * not know (a guest) lasts until its `leaveAt` or the end of its family.
 */
export function endOfRight(admission: Admission, facts: PolicyFacts, now: number): EndOfRight | undefined {
  const family = admission.ticketFamily === null ? undefined : facts.families.get(admission.ticketFamily);
  if (isOver(admission.leaveAt, now) || isOver(family?.leaveAt, now)) return 'leave_at';
  if (family?.revoked) return 'ticket_family_revoked';
  const key = admission.keyId === null ? undefined : facts.keys.get(admission.keyId);
  if (key?.revoked) return 'key_revoked';
  if (isOver(key?.expiresAt, now)) return 'key_expired';
  return endOfHolders(admission, facts, now);
}

function endOfHolders(admission: Admission, facts: PolicyFacts, now: number): EndOfRight | undefined {
  const holders = holdersOf(admission, facts);
  if (holders.length === 0) return endOfMissing(admission, facts);
  const { action, path, address, principalKind } = admission;
  const rights = principalKind === 'ticket' ? facts.rightsForTicket[action] : [action];
  const decisions = holders.flatMap((holder) =>
    rights.map((right) => decide(holder, { action: right, path, address }, now)),
  );
  if (decisions.some(({ allow }) => allow)) return undefined;
  const expired = decisions.some(({ reason }) => reason === 'GRANT_EXPIRED');
  switch (expired ? 'GRANT_EXPIRED' : decisions[0].reason) {
    case 'DISABLED':
      return holders[0].kind === 'robot' ? 'robot_disabled' : 'user_disabled';
    case 'GRANT_EXPIRED':
      return 'grant_expired';
    default:
      return 'right_lost';
  }
}

/** Whose rights stand behind an admission: behind a ticket, the user or the robot of its subject. */
function holdersOf({ principalKind, principal }: Admission, facts: PolicyFacts): Principal[] {
  const robot = principalKind === 'user' ? undefined : facts.robots.get(principal);
  const user = principalKind === 'robot' ? undefined : facts.users.get(principal);
  return [user, robot].filter((holder) => holder !== undefined);
}

function endOfMissing({ principalKind }: Admission, facts: PolicyFacts): EndOfRight | undefined {
  if (principalKind === 'user' && facts.anyUsers) return 'user_gone';
  if (principalKind === 'robot' && facts.anyRobots) return 'robot_gone';
  return undefined;
}

const isOver = (at: number | null | undefined, now: number): boolean =>
  at !== null && at !== undefined && at <= now;
