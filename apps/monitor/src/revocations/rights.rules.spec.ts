import type { Admission, PolicyFacts } from './access.facts';
import { endOfRight } from './rights.rules';
import { aGrant, anAdmission, NOW, someFacts } from './test-facts';

const USER = {};
const byTicket = { principalKind: 'ticket', grantId: null } as const;
const byRobot = {
  principalKind: 'robot',
  principal: 'r1',
  action: 'publish',
  grantId: null,
} as const;

describe('endOfRight', () => {
  it.each<[string, Partial<Admission>, PolicyFacts, string | undefined]>([
    ['a user with the grant', USER, someFacts(), undefined],
    ['a user with another grant', { grantId: 'gone' }, someFacts(), undefined],
    ['a user whose grant is gone', USER, someFacts({ users: { alice: { grants: [] } } }), 'right_lost'],
    [
      'a user whose grant is for another action',
      USER,
      someFacts({ users: { alice: { grants: [aGrant({ action: 'publish' })] } } }),
      'right_lost',
    ],
    [
      'a user whose grant is for another robot',
      USER,
      someFacts({ users: { alice: { grants: [aGrant({ pattern: 'robots/r10/**' })] } } }),
      'right_lost',
    ],
    [
      'a user whose grant ends now',
      USER,
      someFacts({ users: { alice: { grants: [aGrant({ expiresAt: NOW })] } } }),
      'grant_expired',
    ],
    [
      'a user whose grant ends in a moment',
      USER,
      someFacts({ users: { alice: { grants: [aGrant({ expiresAt: NOW + 1 })] } } }),
      undefined,
    ],
    [
      'a user with one grant that ended and one that did not',
      USER,
      someFacts({ users: { alice: { grants: [aGrant({ expiresAt: 1 }), aGrant({ id: 'g2' })] } } }),
      undefined,
    ],
    ['a disabled user', USER, someFacts({ users: { alice: { disabled: true } } }), 'user_disabled'],
    [
      'a disabled admin',
      USER,
      someFacts({ users: { alice: { disabled: true, role: 'admin' } } }),
      'user_disabled',
    ],
    ['an admin', USER, someFacts({ users: { alice: { role: 'admin' } } }), undefined],
    ['a user who is gone', { principal: 'nobody' }, someFacts(), 'user_gone'],
    [
      'a user who is gone with all others: a restored table',
      { principal: 'nobody' },
      { ...someFacts(), anyUsers: false },
      undefined,
    ],
    ['a robot on its own path', byRobot, someFacts({ robots: { r1: {} } }), undefined],
    [
      "a robot on another's path",
      { ...byRobot, path: 'robots/r2' },
      someFacts({ robots: { r1: {} } }),
      'right_lost',
    ],
    ['a disabled robot', byRobot, someFacts({ robots: { r1: { disabled: true } } }), 'robot_disabled'],
    ['a robot that is gone', byRobot, someFacts(), 'robot_gone'],
    ['a robot of an empty table', byRobot, { ...someFacts(), anyRobots: false }, undefined],
    ['a ticket of a user', byTicket, someFacts(), undefined],
    [
      'a ticket of a user who lost the right',
      byTicket,
      someFacts({ users: { alice: { grants: [] } } }),
      'right_lost',
    ],
    [
      'a ticket of a disabled user',
      byTicket,
      someFacts({ users: { alice: { disabled: true } } }),
      'user_disabled',
    ],
    ['a ticket of a guest', { ...byTicket, principal: 'guest' }, someFacts(), undefined],
    [
      'a ticket of a robot',
      { ...byRobot, principalKind: 'ticket' },
      someFacts({ robots: { r1: {} } }),
      undefined,
    ],
    [
      'a ticket of a disabled robot',
      { ...byRobot, principalKind: 'ticket' },
      someFacts({ robots: { r1: { disabled: true } } }),
      'robot_disabled',
    ],
    [
      'a ticket of a robot whose name a disabled user has too',
      { ...byRobot, principalKind: 'ticket' },
      someFacts({ robots: { r1: {} }, users: { r1: { disabled: true } } }),
      undefined,
    ],
    [
      'a ticket to publish, of a user who may order the robot',
      { ...byTicket, action: 'publish' },
      someFacts({ users: { alice: { grants: [aGrant({ action: 'control' })] } } }),
      undefined,
    ],
    [
      'a user who may order the robot, and publishes without a ticket',
      { action: 'publish' },
      someFacts({ users: { alice: { grants: [aGrant({ action: 'control' })] } } }),
      'right_lost',
    ],
    [
      'a user inside the range of the grant',
      USER,
      someFacts({ users: { alice: { grants: [aGrant({ addressRanges: ['10.0.0.0/8'] })] } } }),
      undefined,
    ],
    [
      'a user outside the range of the only grant',
      { address: '192.0.2.1' },
      someFacts({ users: { alice: { grants: [aGrant({ addressRanges: ['10.0.0.0/8'] })] } } }),
      'right_lost',
    ],
    ['a ticket whose time has come', { ...byTicket, leaveAt: NOW }, someFacts(), 'leave_at'],
    ['a ticket whose time comes', { ...byTicket, leaveAt: NOW + 1 }, someFacts(), undefined],
    [
      'a ticket of a revoked family',
      { ...byTicket, ticketFamily: 'f1' },
      someFacts({ families: { f1: { revoked: true } } }),
      'ticket_family_revoked',
    ],
    [
      'a ticket of a family whose end was brought forward',
      { ...byTicket, ticketFamily: 'f1', leaveAt: NOW + 9_999 },
      someFacts({ families: { f1: { leaveAt: NOW - 1 } } }),
      'leave_at',
    ],
    ['a ticket of a family that is not there', { ...byTicket, ticketFamily: 'f1' }, someFacts(), undefined],
    ['a key', { keyId: 'k1' }, someFacts({ keys: { k1: {} } }), undefined],
    ['a revoked key', { keyId: 'k1' }, someFacts({ keys: { k1: { revoked: true } } }), 'key_revoked'],
    ['a key that ended', { keyId: 'k1' }, someFacts({ keys: { k1: { expiresAt: NOW } } }), 'key_expired'],
    ['a key that is not there', { keyId: 'k1' }, someFacts(), undefined],
  ])('of %s', (_name, admission, facts, reason) => {
    expect(endOfRight(anAdmission(admission), facts, NOW)).toBe(reason);
  });
});
