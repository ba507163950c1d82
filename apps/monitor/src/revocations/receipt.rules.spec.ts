import { afterLook, BACKOFF_MS, type OpenRevocation } from './receipt.rules';
import type { SeenSession } from './access.facts';
import { admissionsOf, anAdmission, aSession, NOW } from './test-facts';

const aRevocation = (change: Partial<OpenRevocation> = {}): OpenRevocation => ({
  id: 'x1',
  kind: 'user',
  subject: 'alice',
  reason: 'left the company',
  requestedBy: 'admin',
  requestedAt: NOW,
  attempts: 0,
  nextAttemptAt: NOW,
  receipt: [],
  cleanSince: null,
  ...change,
});
const look = (
  afterMs: number,
  found: SeenSession[],
  listed = found.map(({ id }) => id),
): Parameters<typeof afterLook>[1] => ({ found, listed: new Set(listed), now: NOW + afterMs });
const line = {
  sessionId: 's1',
  node: 'main',
  kind: 'rtspsessions',
  protocol: 'rtsp',
  path: 'robots/r1',
  principal: 'alice',
  cutAfterMs: null,
  verified: false,
};
const NOTHING = admissionsOf();

describe('the receipt of a revocation', () => {
  it('names each session that a look finds, once', () => {
    const admissions = admissionsOf(anAdmission({ node: 'node7' }));
    const [first] = afterLook(aRevocation(), look(5, [aSession()]), admissions);
    expect(first.receipt).toEqual([{ ...line, node: 'node7' }]);
    const [second] = afterLook(first, look(9, [aSession(), aSession({ id: 's2', user: 'a\0' })]), NOTHING);
    expect(second.receipt.map(({ sessionId, principal }) => [sessionId, principal])).toEqual([
      ['s1', 'alice'],
      ['s2', 'a\u{fffd}'],
    ]);
  });

  it('says after how long each was seen to be gone', () => {
    const found = aRevocation({ receipt: [line, { ...line, sessionId: 's2' }] });
    const [one] = afterLook(found, look(40.4, [aSession({ id: 's2' })]), NOTHING);
    expect(one.receipt).toEqual([
      { ...line, cutAfterMs: 40, verified: true },
      { ...line, sessionId: 's2' },
    ]);
    const [both] = afterLook(one, look(300, []), NOTHING);
    expect(both.receipt.map(({ cutAfterMs }) => cutAfterMs)).toEqual([40, 300]);
  });

  it('does not call a session gone that is spared now', () => {
    const [after] = afterLook(aRevocation({ receipt: [line] }), look(40, [], ['s1']), NOTHING);
    expect(after.receipt).toEqual([line]);
  });
});

describe('the course of a revocation', () => {
  it('waits longer from kick to kick', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 60].map((attempts) => {
      const [after] = afterLook(aRevocation({ attempts }), look(100, [aSession()]), NOTHING);
      return after.nextAttemptAt - (NOW + 100);
    });
    expect(pauses).toEqual([...BACKOFF_MS, 4_000, 4_000]);
  });

  it('is done after two looks without a session, a second apart, two seconds after the request', () => {
    let revocation = aRevocation();
    const dones: [number, boolean][] = [];
    for (const afterMs of [50, 550, 1_050, 1_550, 2_000]) {
      const [after, done] = afterLook(revocation, look(afterMs, []), NOTHING);
      dones.push([afterMs, done]);
      expect(after.nextAttemptAt - (NOW + afterMs)).toBeLessThanOrEqual(500);
      revocation = after;
    }
    expect(dones.filter(([, done]) => done)).toEqual([[2_000, true]]);
  });

  it('is never done by its first look, however late', () => {
    const [after, done] = afterLook(aRevocation(), look(600_000, []), NOTHING);
    expect(done).toBe(false);
    expect(afterLook(after, look(600_999, []), NOTHING)[1]).toBe(false);
    expect(afterLook(after, look(601_000, []), NOTHING)[1]).toBe(true);
  });

  it('begins anew when somebody slipped in', () => {
    const clean = aRevocation({ cleanSince: NOW + 50 });
    const [back] = afterLook(clean, look(1_900, [aSession()]), NOTHING);
    expect(back.cleanSince).toBeNull();
    const [after, done] = afterLook(back, look(2_100, []), NOTHING);
    expect([done, after.cleanSince]).toEqual([false, NOW + 2_100]);
    expect(afterLook(after, look(3_100, []), NOTHING)[1]).toBe(true);
  });
});
