import type { Grant } from '@rovercast/access';
import type { MediaSession } from '@rovercast/mediamtx';
import type { Admission, Admissions, PolicyFacts } from './access.facts';

/** Builders for the tests of this folder and of the views. */

export const NOW = 1_700_000_000_000;

export const aSession = (change: Partial<MediaSession> = {}): MediaSession => ({
  id: 's1',
  kind: 'rtspsessions',
  protocol: 'rtsp',
  path: 'robots/r1',
  state: 'read',
  user: 'alice',
  remoteAddr: '10.0.0.7:40000',
  userAgent: 'VLC',
  createdAt: new Date(NOW - 60_000),
  inboundBytes: 0,
  outboundBytes: 1_000,
  ...change,
});

export const anAdmission = (change: Partial<Admission> = {}): Admission => ({
  sessionId: 's1',
  node: 'main',
  action: 'read',
  path: 'robots/r1',
  address: '10.0.0.7',
  userAgent: 'VLC',
  principalKind: 'user',
  principal: 'alice',
  grantId: 'g1',
  keyId: null,
  ticketFamily: null,
  leaveAt: null,
  ...change,
});

export const admissionsOf = (...admissions: Admission[]): Admissions =>
  new Map(admissions.map((admission) => [admission.sessionId, admission]));

export const aGrant = (change: Partial<Grant> = {}): Grant => ({
  id: 'g1',
  action: 'read',
  pattern: 'robots/**',
  expiresAt: null,
  ...change,
});

interface Known {
  users?: Record<string, { disabled?: boolean; grants?: Grant[]; role?: 'admin' | 'viewer' }>;
  robots?: Record<string, { disabled?: boolean }>;
  keys?: Record<string, { revoked?: boolean; expiresAt?: number | null }>;
  families?: Record<string, { revoked?: boolean; leaveAt?: number | null }>;
}

/** Alice, who may read all robots, and what a test adds or changes. */
export const someFacts = ({ users, robots, keys, families }: Known = {}): PolicyFacts => ({
  users: new Map(
    Object.entries<NonNullable<Known['users']>[string]>({ alice: { grants: [aGrant()] }, ...users }).map(
      ([username, user]) => [
        username,
        {
          kind: 'user',
          id: `id-${username}`,
          username,
          role: 'viewer',
          disabled: false,
          ...user,
          grants: user.grants ?? [],
        },
      ],
    ),
  ),
  robots: new Map(
    Object.entries(robots ?? {}).map(([robotId, robot]) => [
      robotId,
      { kind: 'robot', robotId, disabled: false, ...robot },
    ]),
  ),
  keys: new Map(
    Object.entries(keys ?? {}).map(([id, key]) => [id, { revoked: false, expiresAt: null, ...key }]),
  ),
  families: new Map(
    Object.entries(families ?? {}).map(([id, family]) => [id, { revoked: false, leaveAt: null, ...family }]),
  ),
  rightsForTicket: { read: ['read'], publish: ['publish', 'control'] },
  anyUsers: true,
  anyRobots: true,
});
