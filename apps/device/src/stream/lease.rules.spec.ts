import { observeClock, remainingLeaseMs, type Delivery } from './lease.rules';

const aDelivery = (change: Partial<Delivery> = {}): Delivery => ({
  carrier: 'desired',
  leaseTtlMs: 30_000,
  issuedAtMs: 1_000_000,
  retained: false,
  ...change,
});

describe('remainingLeaseMs', () => {
  const clock = { offsetMs: -990_000, seenAtMs: 10_000 };

  it.each<[string, Partial<Delivery>, typeof clock | undefined, number, number | 'unknown']>([
    ['what the broker says is left', { expirySeconds: 23 }, undefined, 0, 23_000],
    ['never more than the lease', { expirySeconds: 86_400 }, undefined, 0, 30_000],
    ["a cmd's expiry is not its lease", { expirySeconds: 5, carrier: 'cmd' }, undefined, 0, 30_000],
    ['a wrong clock does not matter with MQTT 5', { expirySeconds: 23, issuedAtMs: 5 }, clock, 0, 23_000],
    ['3.1.1: the first live message counts as fresh', {}, undefined, 0, 30_000],
    ['3.1.1: a live message that came 4 s later than the fastest', {}, clock, 14_000, 26_000],
    ['3.1.1: a retained one of known age', { retained: true }, clock, 25_000, 15_000],
    ['3.1.1: a retained one that is over', { retained: true }, clock, 45_000, -5_000],
    ['3.1.1: a retained one before any live one', { retained: true }, undefined, 0, 'unknown'],
    ['3.1.1: faster than the fastest is not longer than the lease', {}, clock, 9_000, 30_000],
  ])('%s', (_, delivery, known, nowMs, expected) => {
    expect(remainingLeaseMs(aDelivery(delivery), known, nowMs)).toBe(expected);
  });

  it.each([-3_600_000, 0, 3_600_000])('does not depend on a clock that is %i ms off', (skewMs) => {
    const nowMs = 50_000 + skewMs;
    const known = observeClock(undefined, 1_000_000, nowMs);
    expect(
      remainingLeaseMs(aDelivery({ issuedAtMs: 1_005_000, retained: true }), known, nowMs + 12_000),
    ).toBe(23_000);
  });
});

describe('observeClock', () => {
  it('keeps the smallest offset', () => {
    const first = observeClock(undefined, 1_000, 5_000);
    expect(observeClock(first, 2_000, 6_500)).toBe(first);
    expect(observeClock(first, 2_000, 5_500).offsetMs).toBe(3_500);
  });

  it('believes a larger one after ten minutes, when the gateway set its clock back', () => {
    const first = observeClock(undefined, 1_000, 5_000);
    expect(observeClock(first, 1_000, 606_000).offsetMs).toBe(605_000);
  });
});
