import { assertNever, ownerOfPath } from '@rovercast/contracts';
import type { Admission, Admissions, PolicyFacts, SeenSession } from './access.facts';
import { endOfRight } from './rights.rules';

export type RevocationKind =
  'user' | 'grant' | 'key' | 'robot' | 'ticket-family' | 'session' | 'user-sessions';

/** A right that was taken away: `subject` is the name or id that goes with the kind. */
export interface TakenRight {
  kind: RevocationKind;
  subject: string;
  /** Sessions that earlier looks have found; undefined in the first look. */
  found?: ReadonlySet<string>;
}

/**
 * The sessions that must end because of a revocation. `user` and `grant` look at what the person may do now: a session that
 * another right covers stays. `robot` and `user-sessions` end every session of the first look, and later ones that the holder may not
 * have: a robot that comes back with its new key is welcome. Of a session without an admission only what the client called itself is known.
 * @param now epoch milliseconds
 */
export function sessionsToCut<T extends SeenSession>(
  right: TakenRight,
  sessions: T[],
  admissions: Admissions,
  facts: PolicyFacts,
  now: number,
): T[] {
  return sessions.filter((session) => isCut(right, session, admissions.get(session.id), facts, now));
}

function isCut(
  { kind, subject, found }: TakenRight,
  session: SeenSession,
  admission: Admission | undefined,
  facts: PolicyFacts,
  now: number,
): boolean {
  switch (kind) {
    case 'session':
      return session.id === subject;
    case 'key':
      return admission?.keyId === subject;
    case 'ticket-family':
      return admission?.ticketFamily === subject;
    case 'robot':
      if (!isOfRobot(subject, session, admission)) return false;
      if (found === undefined || found.has(session.id)) return true;
      return mayNotStay(admission ?? assumed('robot', subject, session), facts, now);
    case 'user-sessions':
      if (!(admission ? isOfUser(subject, admission) : claimedBy(subject, session))) return false;
      if (found === undefined || found.has(session.id)) return true;
      return mayNotStay(admission ?? assumed('user', subject, session), facts, now);
    case 'user': {
      if (!(admission ? isOfUser(subject, admission) : claimedBy(subject, session))) return false;
      if (!facts.users.has(subject) && !facts.robots.has(subject)) return true;
      return mayNotStay(admission ?? assumed('user', subject, session), facts, now);
    }
    case 'grant':
      return admission !== undefined && mayRestOn(subject, admission) && mayNotStay(admission, facts, now);
    default:
      return assertNever(kind);
  }
}

const isOfUser = (username: string, { principalKind, principal }: Admission): boolean =>
  principalKind !== 'robot' && principal === username;

const claimedBy = (username: string, { user }: SeenSession): boolean => user === username;

/** A ticket carries no grant: all that can be said is whether the one it was made for has a right left. */
const mayRestOn = (grantId: string, { grantId: own, principalKind }: Admission): boolean =>
  own === grantId || principalKind === 'ticket';

/** A robot publishes its own paths, by its key or by a ticket in its name; a user may have the same name. */
function isOfRobot(robotId: string, session: SeenSession, admission: Admission | undefined): boolean {
  if (!admission) {
    const own = ownerOfPath(session.path)?.robotId === robotId;
    return own && session.state === 'publish' && (session.user === robotId || session.user === '');
  }
  const { principalKind, principal, action, path } = admission;
  if (principal !== robotId || principalKind === 'user') return false;
  return principalKind === 'robot' || (action === 'publish' && ownerOfPath(path)?.robotId === robotId);
}

const mayNotStay = (admission: Admission, facts: PolicyFacts, now: number): boolean =>
  endOfRight(admission, facts, now) !== undefined;

/** A session that calls itself by a name can have come in by that one's rights only. */
const assumed = (principalKind: 'user' | 'robot', principal: string, session: SeenSession): Admission => ({
  sessionId: session.id,
  node: '',
  action: session.state === 'publish' ? 'publish' : 'read',
  path: session.path,
  address: session.remoteAddr.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'),
  userAgent: '',
  principalKind,
  principal,
  grantId: null,
  keyId: null,
  ticketFamily: null,
  leaveAt: null,
});
