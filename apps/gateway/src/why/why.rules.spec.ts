import {
  admissionOf,
  holderShown,
  inTheWay,
  placeOf,
  publisherOf,
  type Counts,
  type HeldSlot,
  type LimitedGroup,
  type Reason,
} from './why.rules';

const aGroup = (name: string, limits: Partial<LimitedGroup['limits']> = {}): LimitedGroup => ({
  name,
  patterns: [
    { kind: 'path', value: `${name}/**` },
    { kind: 'prefix', value: `${name}/vip_` },
  ],
  limits: { streams: 10, viewersPerStream: null, streamsPerUser: 3, ...limits },
});
const total = { streams: 20, pendingPerPrincipal: 2, pendingPercent: 50 };
const counts = (some: Partial<Counts> = {}): Counts => ({
  group: 0,
  total: 0,
  user: 0,
  pendingPrincipal: 0,
  pendingGroup: 0,
  ...some,
});
const robot = { kind: 'robot', id: 'r1' };

it.each([
  ['cars/1', 'cars', 'cars/**'],
  ['cars/vip_1', 'cars', 'cars/vip_'],
  ['bus/1', 'bus', 'bus/**'],
  ['train/1', undefined, undefined],
  ['../x', undefined, undefined],
])('places %s in %s by %s', (path, group, pattern) => {
  const place = placeOf([aGroup('cars'), aGroup('bus')], path);
  expect([place?.group.name, place?.pattern.value]).toEqual([group, pattern]);
});

describe('one more stream', () => {
  it.each<[Reason, Partial<Counts>, number | null, number | null]>([
    ['ROOM', { group: 9, total: 19, user: 2, pendingPrincipal: 1, pendingGroup: 4 }, 9, 10],
    ['GROUP_FULL', { group: 10, total: 20 }, 10, 10],
    ['TOTAL_FULL', { total: 20, user: 3 }, 20, 20],
    ['USER_FULL', { user: 3, pendingPrincipal: 2 }, 3, 3],
    ['PRINCIPAL_PENDING', { pendingPrincipal: 2, pendingGroup: 5 }, 2, 2],
    ['GROUP_PENDING', { pendingGroup: 5 }, 5, 5],
  ])('%s with %j', (reason, some, used, limit) => {
    const answer = admissionOf({
      group: aGroup('cars'),
      total,
      counts: counts(some),
      holder: undefined,
      publisher: robot,
    });
    expect(answer).toMatchObject({ admitted: reason === 'ROOM', reason, used, limit });
    expect(answer.wouldFree === null).toBe(reason === 'ROOM');
  });

  it.each([
    ['HELD', { kind: 'robot', id: 'r1' }],
    ['HELD', { kind: 'unknown', id: '' }],
    ['PATH_TAKEN', { kind: 'robot', id: 'r2' }],
    ['PATH_TAKEN', { kind: 'user', id: 'r1' }],
  ])('is %s while %j has the slot, however full the group', (reason, holder) => {
    const full = { group: aGroup('cars'), total, counts: counts({ group: 10 }), holder, publisher: robot };
    expect(admissionOf(full).reason).toBe(reason);
  });

  it('needs a group, and no limit is no limit', () => {
    const ask = { total, counts: counts({ group: 999 }), holder: undefined, publisher: robot };
    expect(admissionOf({ ...ask, group: undefined })).toMatchObject({ admitted: false, reason: 'NO_GROUP' });
    const group = aGroup('cars', { streams: null });
    expect(admissionOf({ ...ask, group })).toMatchObject({ admitted: true, used: 999, limit: null });
    expect(admissionOf({ ...ask, group: aGroup('cars', { streams: 0 }) }).reason).toBe('GROUP_FULL');
  });
});

it.each<[Reason, string[]]>([
  ['GROUP_FULL', ['a', 'b', 'c']],
  ['GROUP_PENDING', ['b']],
  ['USER_FULL', ['c']],
  ['TOTAL_FULL', ['a', 'b', 'c', 'd']],
  ['ROOM', []],
  ['PATH_TAKEN', []],
])('of those in the way for %s, the oldest first', (reason, paths) => {
  const held = (path: string, some: Partial<HeldSlot> = {}): HeldSlot => ({
    path,
    group: 'cars',
    principal: robot,
    userId: null,
    state: 'active',
    since: new Date(0),
    ...some,
  });
  const all = [
    held('a'),
    held('b', { state: 'reserved' }),
    held('c', { userId: 'u1' }),
    held('d', { group: 'bus' }),
  ];
  expect(inTheWay(all, reason, { group: 'cars', callerId: 'u1' }).map(({ path }) => path)).toEqual(paths);
});

it.each([
  ['robot', false, true],
  ['camera', false, true],
  ['unknown', false, true],
  ['user', false, false],
  ['user', true, true],
])('shows a holder that is a %s, to staff: %s', (kind, staff, shown) => {
  const viewer = { staff, callerId: 'u1', username: 'ann' };
  expect(holderShown({ kind, id: 'x' }, viewer) !== null).toBe(shown);
  expect(holderShown({ kind, id: 'u1' }, viewer)).not.toBeNull();
});

it.each([
  ['robots/r1', 'r1', { kind: 'robot', id: 'r1' }],
  ['cameras/c1', undefined, { kind: 'camera', id: 'c1' }],
  ['live/x', undefined, { kind: 'user', id: 'me' }],
])('expects on %s the publisher by its name', (path, robotId, publisher) => {
  expect(publisherOf(path, robotId, 'me')).toEqual(publisher);
});
