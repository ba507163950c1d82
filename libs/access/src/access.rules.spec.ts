import {
  decide,
  explain,
  type AccessAction,
  type Decision,
  type Grant,
  type Principal,
} from './access.rules';

const NOW = 1_700_000_000_000;

type User = Extract<Principal, { kind: 'user' }>;
const aGrant = (change: Partial<Grant> = {}): Grant => ({
  id: 'g1',
  action: 'read',
  pattern: 'robots/r1/**',
  expiresAt: null,
  ...change,
});
const aUser = (change: Partial<User> = {}): User => ({
  kind: 'user',
  id: 'u1',
  username: 'eve',
  role: 'viewer',
  disabled: false,
  grants: [aGrant()],
  ...change,
});
const aRobot = (disabled = false): Principal => ({ kind: 'robot', robotId: 'r1', disabled });
const aTicket = (action: AccessAction, path: string): Principal => ({
  kind: 'ticket',
  subject: 'eve',
  action,
  path,
});

describe('decide', () => {
  it.each<[string, Principal, AccessAction, string, Decision['reason'], string?]>([
    ['a granted path', aUser(), 'read', 'robots/r1', 'GRANTED', 'g1'],
    ['a path below a granted one', aUser(), 'read', 'robots/r1/front', 'GRANTED', 'g1'],
    [
      'a right that ends later',
      aUser({ grants: [aGrant({ expiresAt: NOW + 1 })] }),
      'read',
      'robots/r1',
      'GRANTED',
      'g1',
    ],
    [
      'a right that was renewed',
      aUser({ grants: [aGrant({ expiresAt: 1 }), aGrant({ id: 'g2' })] }),
      'read',
      'robots/r1',
      'GRANTED',
      'g2',
    ],
    [
      'control that was granted',
      aUser({ grants: [aGrant({ action: 'control' })] }),
      'control',
      'robots/r1',
      'GRANTED',
      'g1',
    ],
    ['an admin without grants', aUser({ role: 'admin', grants: [] }), 'publish', 'x', 'ADMIN'],
    ['a robot on its path', aRobot(), 'publish', 'robots/r1', 'OWN_PATH'],
    ["a robot on its camera's path", aRobot(), 'publish', 'robots/r1/front', 'OWN_PATH'],
    ['a ticket for it', aTicket('read', 'a/b'), 'read', 'a/b', 'TICKET'],
    ['a publisher’s ticket', aTicket('publish', 'a/b'), 'publish', 'a/b', 'TICKET'],
  ])('allows %s', (_what, principal, action, path, ...[reason, rule]) => {
    expect(decide(principal, { action, path }, NOW)).toEqual({ allow: true, reason, ...(rule && { rule }) });
  });

  it.each<[string, Principal, AccessAction, string, Decision['reason'], string?]>([
    ['a user without grants', aUser({ grants: [] }), 'read', 'robots/r1', 'PATH_NOT_GRANTED'],
    [
      'an operator without grants',
      aUser({ role: 'operator', grants: [] }),
      'read',
      'robots/r1',
      'PATH_NOT_GRANTED',
    ],
    [
      'a service without grants',
      aUser({ role: 'service', grants: [] }),
      'control',
      'robots/r1',
      'PATH_NOT_GRANTED',
    ],
    ['a path that only begins alike', aUser(), 'read', 'robots/r10', 'PATH_NOT_GRANTED'],
    ['another action', aUser(), 'publish', 'robots/r1', 'PATH_NOT_GRANTED'],
    ['control for who may read', aUser(), 'control', 'robots/r1', 'PATH_NOT_GRANTED'],
    [
      'reading for who may control',
      aUser({ grants: [aGrant({ action: 'control' })] }),
      'read',
      'robots/r1',
      'PATH_NOT_GRANTED',
    ],
    [
      'a right that ended this moment',
      aUser({ grants: [aGrant({ expiresAt: NOW })] }),
      'read',
      'robots/r1',
      'GRANT_EXPIRED',
      'g1',
    ],
    ['a disabled user', aUser({ disabled: true }), 'read', 'robots/r1', 'DISABLED'],
    ['a disabled admin', aUser({ role: 'admin', disabled: true }), 'read', 'robots/r1', 'DISABLED'],
    ['a disabled robot', aRobot(true), 'publish', 'robots/r1', 'DISABLED'],
    ['a robot that reads', aRobot(), 'read', 'robots/r1', 'PATH_NOT_GRANTED'],
    ["a robot on another's path", aRobot(), 'publish', 'robots/r2', 'NOT_OWN_PATH'],
    ['a robot on a path that begins alike', aRobot(), 'publish', 'robots/r10', 'NOT_OWN_PATH'],
    ['a robot outside of robots/', aRobot(), 'publish', 'r1', 'NOT_OWN_PATH'],
    ['a robot too deep', aRobot(), 'publish', 'robots/r1/a/b', 'NOT_OWN_PATH'],
    ['a robot on the second name of its main camera', aRobot(), 'publish', 'robots/r1/main', 'NOT_OWN_PATH'],
    ['a ticket for another path', aTicket('read', 'a/b'), 'read', 'a/c', 'TICKET_FOR_OTHER_PATH'],
    ['a ticket for the path above', aTicket('read', 'a'), 'read', 'a/b', 'TICKET_FOR_OTHER_PATH'],
    ['a ticket for another action', aTicket('read', 'a/b'), 'publish', 'a/b', 'TICKET_FOR_OTHER_ACTION'],
    ['a ticket for no path', aTicket('read', ''), 'read', 'a/b', 'TICKET_FOR_OTHER_PATH'],
  ])('denies %s', (_what, principal, action, path, ...[reason, rule]) => {
    expect(decide(principal, { action, path }, NOW)).toEqual({ allow: false, reason, ...(rule && { rule }) });
  });

  it.each<[string, Principal, string | undefined, Decision]>([
    [
      'in the range',
      aUser({ grants: [aGrant({ addressRanges: ['10.0.0.0/8'] })] }),
      '10.1.2.3',
      { allow: true, reason: 'GRANTED', rule: 'g1' },
    ],
    [
      'outside of it',
      aUser({ grants: [aGrant({ addressRanges: ['10.0.0.0/8'] })] }),
      '11.1.2.3',
      { allow: false, reason: 'ADDRESS_NOT_ALLOWED', rule: 'g1' },
    ],
    [
      'at no address',
      aUser({ grants: [aGrant({ addressRanges: ['0.0.0.0/0', '::/0'] })] }),
      '<nil>',
      { allow: false, reason: 'ADDRESS_NOT_ALLOWED', rule: 'g1' },
    ],
    [
      'at an unknown address',
      aUser({ grants: [aGrant({ addressRanges: ['0.0.0.0/0'] })] }),
      undefined,
      { allow: false, reason: 'ADDRESS_NOT_ALLOWED', rule: 'g1' },
    ],
    [
      'with an empty list',
      aUser({ grants: [aGrant({ addressRanges: [] })] }),
      '<nil>',
      { allow: true, reason: 'GRANTED', rule: 'g1' },
    ],
    [
      'with another grant for anywhere',
      aUser({ grants: [aGrant({ addressRanges: ['10.0.0.0/8'] }), aGrant({ id: 'g2' })] }),
      '11.1.2.3',
      { allow: true, reason: 'GRANTED', rule: 'g2' },
    ],
    [
      'in the range of a grant that ended',
      aUser({ grants: [aGrant({ addressRanges: ['10.0.0.0/8'], expiresAt: 1 })] }),
      '10.1.2.3',
      { allow: false, reason: 'GRANT_EXPIRED', rule: 'g1' },
    ],
    [
      'with a ticket for it',
      { ...aTicket('read', 'robots/r1'), address: '::ffff:10.1.2.3' } as Principal,
      '10.1.2.3',
      { allow: true, reason: 'TICKET' },
    ],
    [
      "with a ticket for another's",
      { ...aTicket('read', 'robots/r1'), address: '10.1.2.4' } as Principal,
      '10.1.2.3',
      { allow: false, reason: 'TICKET_FOR_OTHER_ADDRESS' },
    ],
    [
      'with a ticket for nonsense',
      { ...aTicket('read', 'robots/r1'), address: '<nil>' } as Principal,
      '<nil>',
      { allow: false, reason: 'TICKET_FOR_OTHER_ADDRESS' },
    ],
  ])('minds where a client is: %s', (_what, principal, address, decision) => {
    expect(decide(principal, { action: 'read', path: 'robots/r1', address }, NOW)).toEqual(decision);
  });

  it('does not know other principals', () => {
    expect(() => decide({ kind: 'ghost' } as never, { action: 'read', path: 'a' }, NOW)).toThrow(
      'unexpected value',
    );
  });
});

describe('explain', () => {
  it('names what decided, and what became of every grant', () => {
    const grants = [
      aGrant({ id: 'a', action: 'control' }),
      aGrant({ id: 'b', pattern: 'robots/r2' }),
      aGrant({ id: 'c', expiresAt: NOW }),
      aGrant({ id: 'd', addressRanges: ['192.0.2.0/24'] }),
      aGrant({ id: 'e', group: 'night-shift' }),
      aGrant({ id: 'f' }),
    ];
    const { decision, considered } = explain(
      aUser({ grants }),
      { action: 'read', path: 'robots/r1', address: '10.0.0.1' },
      NOW,
    );
    expect(decision).toEqual({ allow: true, reason: 'GRANTED', rule: 'e' });
    expect(considered.map(({ grant, covers, why }) => [grant.id, covers, why])).toEqual([
      ['a', false, 'OTHER_ACTION'],
      ['b', false, 'OTHER_PATH'],
      ['c', false, 'EXPIRED'],
      ['d', false, 'OTHER_ADDRESS'],
      ['e', true, 'COVERS'],
      ['f', true, 'COVERS'],
    ]);
  });

  it('has no grants to show for a robot and a ticket', () => {
    const request = { action: 'publish', path: 'robots/r1' } as const;
    expect(explain(aRobot(), request, NOW)).toEqual({
      decision: { allow: true, reason: 'OWN_PATH' },
      considered: [],
    });
    expect(explain(aTicket('publish', 'robots/r1'), request, NOW).considered).toEqual([]);
  });
});
