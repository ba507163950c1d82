import type { AccessAction, Grant } from '@rovercast/access';
import { ticketScope } from './ticket-scope.rules';

const NOW = 1_700_000_000_000;
const aGrant = (change: Partial<Grant> = {}): Grant => ({
  id: 'g',
  action: 'read',
  pattern: 'robots/r1',
  expiresAt: null,
  ...change,
});
const scope = (grants: Grant[], rights: AccessAction[] = ['read'], role: 'viewer' | 'admin' = 'viewer') =>
  ticketScope({ role, grants }, rights, 'robots/r1', NOW);

it.each<[string, Grant[], AccessAction[], ReturnType<typeof scope>]>([
  ['no right', [], ['read'], undefined],
  ['a right to something else', [aGrant({ pattern: 'robots/r2' })], ['read'], undefined],
  ['another right', [aGrant({ action: 'control' })], ['read'], undefined],
  ['a right that has ended', [aGrant({ expiresAt: NOW })], ['read'], undefined],
  ['a right for good', [aGrant()], ['read'], { until: Infinity }],
  ['a right for a while', [aGrant({ expiresAt: NOW + 5 })], ['read'], { until: NOW + 5 }],
  [
    'the longer of two',
    [aGrant({ expiresAt: NOW + 5 }), aGrant({ expiresAt: NOW + 9 })],
    ['read'],
    { until: NOW + 9 },
  ],
  [
    'control, where it is enough',
    [aGrant({ action: 'control' })],
    ['publish', 'control'],
    { until: Infinity },
  ],
  [
    'a right that holds somewhere',
    [aGrant({ addressRanges: ['10.0.0.0/8'] })],
    ['read'],
    { until: Infinity, onlyFrom: ['10.0.0.0/8'] },
  ],
  [
    'a right that holds everywhere, before a longer one that does not',
    [aGrant({ addressRanges: ['10.0.0.0/8'] }), aGrant({ expiresAt: NOW + 5 })],
    ['read'],
    { until: NOW + 5 },
  ],
])('reaches as far as %s', (_what, grants, rights, expected) => {
  expect(scope(grants, rights)).toEqual(expected);
});

it('is without bounds for an admin', () => {
  expect(scope([], ['publish'], 'admin')).toEqual({ until: Infinity });
});
