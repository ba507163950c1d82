import fc from 'fast-check';
import { Regulation } from './regulation';
import { afterFailure, PAIR_LIMITS, remembered, waitOf, type Failures } from './regulation.rules';

const HOME = '192.0.2.7';
const ATTACKER = '203.0.113.66';

describe('the pause after wrong passwords', () => {
  it('comes with the fifth, doubles with each further one and ends at 15 minutes', () => {
    let failures: Failures | undefined;
    let now = 0;
    const pauses: number[] = [];
    for (let n = 0; n < 18; n += 1) {
      failures = afterFailure(failures, PAIR_LIMITS, now);
      pauses.push(waitOf(failures, 0, PAIR_LIMITS, now) / 1_000);
      now += waitOf(failures, 0, PAIR_LIMITS, now);
    }
    expect(pauses).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
  });

  it('is forgotten five minutes after it ended', () => {
    const failures = { count: 30, lastAt: 0, lockedUntil: 900_000 };
    expect(remembered(failures, PAIR_LIMITS, 1_199_999)).toBe(failures);
    expect(remembered(failures, PAIR_LIMITS, 1_200_000)).toBeUndefined();
    expect(afterFailure(failures, PAIR_LIMITS, 1_200_000).count).toBe(1);
  });
});

describe('Regulation', () => {
  let now: number;
  let regulation: Regulation;
  beforeEach(() => {
    now = 1_000;
    regulation = new Regulation(() => now);
  });
  const tryOnce = (account: string, address: string, good = false): string => {
    const admitted = regulation.begin(account, address);
    if (!admitted.ok) return admitted.because;
    if (good) admitted.attempt.succeeded();
    else admitted.attempt.failed();
    return good ? 'in' : 'wrong';
  };
  const times = (count: number, each: (n: number) => string): string[] =>
    Array.from({ length: count }, (_, n) => each(n));

  it('holds up the sixth try, says for how long, and lets it go on after that', () => {
    expect(times(6, () => tryOnce('eve', ATTACKER))).toEqual([...Array<string>(5).fill('wrong'), 'account']);
    expect(regulation.begin('eve', '203.0.113.1')).toEqual({
      ok: false,
      because: 'account',
      retryAfterMs: 1_000,
    });
    now += 1_000;
    expect(tryOnce('eve', ATTACKER)).toBe('wrong');
    expect(regulation.begin('eve', ATTACKER)).toMatchObject({ retryAfterMs: 2_000 });
  });

  it('never locks the owner out from a clean address', () => {
    for (let minute = 0; minute < 200; minute += 1) {
      times(50, (n) => tryOnce('eve', `198.51.${n}.9`));
      expect(tryOnce('eve', HOME, true)).toBe('in');
      now += 60_000;
    }
  });

  it('does not hold it against an account what went wrong for another', () => {
    times(6, () => tryOnce('eve', ATTACKER));
    expect(tryOnce('bob', ATTACKER, true)).toBe('in');
  });

  it('stops a block that tries one password on many accounts', () => {
    const answers = times(40, (n) => tryOnce(`user-${n}`, `203.0.113.${n}`));
    expect(answers.filter((answer) => answer === 'wrong')).toHaveLength(20);
    expect(new Set(answers.slice(20))).toEqual(new Set(['address']));
    expect(tryOnce('user-1', HOME, true)).toBe('in');
  });

  it('forgets the wrong ones of an account when the right one comes, and not those of the block', () => {
    for (let round = 0; round < 5; round += 1) {
      times(4, (n) => tryOnce(`other-${round}-${n}`, ATTACKER));
      if (round < 4) expect(tryOnce('own', ATTACKER, true)).toBe('in');
    }
    expect(tryOnce('own', ATTACKER, true)).toBe('address');
  });

  it('checks no more at once than may fail', () => {
    const begun = times(50, () => (regulation.begin('eve', ATTACKER).ok ? 'begun' : 'held'));
    expect(begun.filter((answer) => answer === 'begun')).toHaveLength(5);
  });

  it('counts nothing for checks that could not be made', () => {
    for (let n = 0; n < 50; n += 1) {
      const admitted = regulation.begin('eve', ATTACKER);
      if (admitted.ok) admitted.attempt.abandoned();
      expect(admitted.ok).toBe(true);
    }
  });

  it('lets blocks that contributed wait when an account is tried from everywhere', () => {
    times(30, (n) => tryOnce('eve', `198.51.${n}.9`));
    expect(tryOnce('eve', '198.51.3.9', true)).toBe('throttle');
    expect(tryOnce('eve', '198.51.200.9', true)).toBe('in');
    now += 60_000;
    expect(tryOnce('eve', '198.51.3.9', true)).toBe('in');
  });

  it('locks nobody for an address that is none: behind it may be everybody', () => {
    const answers = times(40, () => tryOnce('eve', '<nil>'));
    expect(answers.filter((answer) => answer === 'wrong')).toHaveLength(30);
    expect(new Set(answers.slice(30))).toEqual(new Set(['throttle']));
    expect(tryOnce('bob', '<nil>', true)).toBe('in');
  });

  it('whatever anybody does elsewhere, a clean address gets its check', () => {
    const step = fc.record({
      account: fc.constantFrom('eve', 'bob'),
      address: fc.nat(40).map((n) => `198.51.${n}.1`),
      good: fc.boolean(),
      later: fc.constantFrom(0, 500, 30_000, 400_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        now = 0;
        regulation = new Regulation(() => now);
        for (const { account, address, good, later } of steps) {
          tryOnce(account, address, good);
          now += later;
        }
        expect(tryOnce('eve', HOME, true)).toBe('in');
      }),
      { numRuns: 200 },
    );
  });
});
