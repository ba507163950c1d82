import {
  admits,
  admitsViewer,
  limitProblem,
  pendingLimit,
  type GroupLimits,
  type TotalLimits,
} from './limits.rules';

const aGroup = (limits: Partial<GroupLimits> = {}): GroupLimits => ({
  streams: null,
  viewersPerStream: null,
  streamsPerUser: null,
  ...limits,
});
const aTotal = (limits: Partial<TotalLimits> = {}): TotalLimits => ({
  streams: null,
  pendingPerPrincipal: null,
  pendingPercent: null,
  ...limits,
});
const usage = { group: 4, total: 9, user: 2, pendingPrincipal: 1, pendingGroup: 3 };

describe('admits', () => {
  it.each([
    ['no limit', {}, {}, undefined],
    [
      'room everywhere',
      { streams: 5, streamsPerUser: 3 },
      { streams: 10, pendingPerPrincipal: 2 },
      undefined,
    ],
    ['a full group', { streams: 4 }, {}, ['GROUP_FULL', 4, 4]],
    ['a group over its lowered limit', { streams: 2 }, {}, ['GROUP_FULL', 4, 2]],
    ['a limit of zero', { streams: 0 }, {}, ['GROUP_FULL', 4, 0]],
    ['a full house', { streams: 5 }, { streams: 9 }, ['TOTAL_FULL', 9, 9]],
    ['a user with enough', { streamsPerUser: 2 }, {}, ['USER_FULL', 2, 2]],
    ['a principal who hoards', {}, { pendingPerPrincipal: 1 }, ['PRINCIPAL_PENDING', 1, 1]],
    ['a group that waits', { streams: 30 }, { pendingPercent: 10 }, ['GROUP_PENDING', 3, 3]],
    ['the group before the total', { streams: 4 }, { streams: 9 }, ['GROUP_FULL', 4, 4]],
  ])('%s', (_, group, total, refusal) => {
    const expected = refusal
      ? { admits: false, reason: refusal[0], used: refusal[1], limit: refusal[2] }
      : { admits: true };
    expect(admits(aGroup(group), aTotal(total), usage)).toEqual(expected);
  });
});

it.each([
  [null, 10, null],
  [50, null, null],
  [50, 10, 5],
  [9, 10, 1],
  [0, 10, 1],
  [19, 10, 1],
  [1_000_000, 100, 1_000_000],
])('of %s streams, %s percent may be pending: %s', (streams, pendingPercent, expected) => {
  expect(pendingLimit(aGroup({ streams }), aTotal({ pendingPercent }))).toBe(expected);
});

it.each([
  [null, 1_000, true],
  [3, 2, true],
  [3, 3, false],
  [0, 0, false],
])('a limit of %s lets a viewer join %s others: %s', (viewersPerStream, viewers, expected) => {
  expect(admitsViewer(aGroup({ viewersPerStream }), viewers)).toBe(expected);
});

describe('limitProblem', () => {
  it.each([0, 1, 1_000_000, null])('takes %s', (value) =>
    expect(limitProblem('streams', value)).toBeUndefined(),
  );

  it.each([-1, 1.5, NaN, Infinity, -Infinity, 1e12, 1_000_001, '5', '', true, undefined, {}, [3], 5n])(
    'refuses %p by name',
    (value) =>
      expect(limitProblem('streams', value)).toBe(
        'streams must be a whole number from 0 to 1000000, or null for no limit',
      ),
  );
});
