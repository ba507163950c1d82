import type { AccessAction, Principal } from '@rovercast/access';
import type { MediaSession } from '@rovercast/mediamtx';

/** What the door remembered when it let a session in. */
export interface Admission {
  sessionId: string;
  node: string;
  action: Exclude<AccessAction, 'control'>;
  path: string;
  address: string;
  userAgent: string;
  principalKind: 'user' | 'robot' | 'ticket';
  /** User name, robot id or the subject of a ticket. */
  principal: string;
  grantId: string | null;
  keyId: string | null;
  ticketFamily: string | null;
  /** Epoch milliseconds. */
  leaveAt: number | null;
}

/** Admissions by session id. */
export type Admissions = ReadonlyMap<string, Admission>;

/** Of a session, what the decision to cut it needs. */
export type SeenSession = Pick<
  MediaSession,
  'id' | 'kind' | 'protocol' | 'path' | 'state' | 'user' | 'remoteAddr' | 'createdAt'
>;

/** The rights as the tables have them now, of those whom the admissions name; times in epoch milliseconds. */
export interface PolicyFacts {
  users: ReadonlyMap<string, Extract<Principal, { kind: 'user' }>>;
  robots: ReadonlyMap<string, Extract<Principal, { kind: 'robot' }>>;
  keys: ReadonlyMap<string, { revoked: boolean; expiresAt: number | null }>;
  families: ReadonlyMap<string, { revoked: boolean; leaveAt: number | null }>;
  /** Of what the one behind a ticket must have one right, by what the ticket opens. */
  rightsForTicket: Record<Admission['action'], readonly AccessAction[]>;
  /** Whether there are users, and robots, at all: from empty tables nothing follows. */
  anyUsers: boolean;
  anyRobots: boolean;
}
