import { admitCuts, countUndecided, overdueSessions, type Overdue } from './overdue.rules';
import { admissionsOf, anAdmission, aSession, NOW, someFacts } from './test-facts';

const lost = (...ids: string[]): Overdue[] => ids.map((sessionId) => ({ sessionId, reason: 'right_lost' }));
const timed = (...ids: string[]): Overdue[] => ids.map((sessionId) => ({ sessionId, reason: 'leave_at' }));
const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `s${n}`);

describe('overdueSessions', () => {
  it('names the sessions whose right has ended, with the reason', () => {
    const sessions = ['on', 'over', 'off', 'unknown'].map((id) => aSession({ id }));
    const admissions = admissionsOf(
      anAdmission({ sessionId: 'on', leaveAt: NOW + 1 }),
      anAdmission({ sessionId: 'over', leaveAt: NOW }),
      anAdmission({ sessionId: 'off', principal: 'bob' }),
    );
    const facts = someFacts({ users: { bob: { disabled: true } } });
    expect(overdueSessions(sessions, admissions, facts, NOW)).toEqual([
      { sessionId: 'over', reason: 'leave_at' },
      { sessionId: 'off', reason: 'user_disabled' },
    ]);
  });
});

describe('admitCuts', () => {
  const admit = (overdue: Overdue[], sinceMs: Record<string, number>, sessionCount: number): Overdue[] => {
    const since = new Map(Object.entries(sinceMs).map(([id, ms]) => [id, NOW - ms]));
    return admitCuts(overdue, since, { now: NOW, sessionCount });
  };
  const allSince = (ids: string[]): Record<string, number> =>
    Object.fromEntries(ids.map((id) => [id, 9_999]));

  it('cuts what the clock has ended at once, however many', () => {
    expect(admit(timed(...many(500)), {}, 500)).toHaveLength(500);
  });

  it('cuts what the tables say once they have said it for a while', () => {
    expect(admit(lost('a', 'b', 'c'), { a: 0, b: 1_499, c: 1_500 }, 10)).toEqual(lost('c'));
    expect(admit(lost('new'), {}, 10)).toEqual([]);
  });

  it.each([
    [3, 3],
    [5, 5],
    [6, 5],
    [40, 5],
    [60, 6],
    [1_000, 100],
  ])('of %i sessions that the tables disown cuts %i in one look', (sessions, cut) => {
    const ids = many(sessions);
    expect(admit(lost(...ids), allSince(ids), sessions)).toHaveLength(cut);
  });
});

describe('countUndecided', () => {
  const count = (change: Parameters<typeof aSession>[0], known = false): number =>
    countUndecided([aSession(change)], admissionsOf(...(known ? [anAdmission()] : [])), {
      olderThanMs: 15_000,
      now: NOW,
    });

  it('counts what moves media without an admission', () => {
    expect(count({})).toBe(1);
    expect(count({ state: 'publish' })).toBe(1);
    expect(count({}, true)).toBe(0);
    expect(count({ state: 'idle' })).toBe(0);
  });

  it('gives a young one time', () => {
    expect(count({ createdAt: new Date(NOW - 15_000) })).toBe(0);
    expect(count({ createdAt: new Date(NOW - 15_001) })).toBe(1);
  });
});
