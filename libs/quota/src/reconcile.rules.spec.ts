import { reconcileSlots } from './reconcile.rules';
import type { Pass, ReconcilerMemory, SlotAction } from './reconcile.types';
import { cutBudget } from './strangers.rules';
import { aLook, aPass, aSlot, aSource, aState } from './test-pass';

/** Where time begins: far enough from the epoch that nothing is zero by accident. */
const T0 = 1_000_000;
const SECOND = 1_000;

/** Takes passes one after the other, as a reconciler does. */
class Passes {
  memory?: ReconcilerMemory;
  report?: ReturnType<typeof reconcileSlots>['report'];

  take(pass: Pass): SlotAction[] {
    const { actions, memory, report } = reconcileSlots(pass, this.memory);
    this.memory = memory;
    this.report = report;
    return actions;
  }

  /** Three passes, five seconds apart, that end learning; the last one at T0. */
  static learned(pass: (now: number) => Pass): Passes {
    const passes = new Passes();
    for (const now of [T0 - 10_000, T0 - 5_000, T0 + 100]) passes.take(pass(now));
    expect(passes.report?.learning).toEqual([]);
    return passes;
  }
}

const slot = aSlot({ lastSeenAt: T0 });
const there = (now: number): Pass => aPass(now, { slots: [slot], sources: [aSource()] });
const gone = (now: number, pass: Partial<Pass> = {}): Pass => aPass(now, { slots: [slot], ...pass });
const dos = (actions: SlotAction[]): string[] => actions.map((action) => action.do);

describe('a slot in use', () => {
  it('is left alone while its session is there', () => {
    expect(Passes.learned(there).take(there(T0 + 5_000))).toEqual([]);
  });

  it('is freed after two complete looks without it, five seconds apart', () => {
    const passes = Passes.learned(there);
    expect(passes.take(gone(T0 + 5_000))).toEqual([]);
    expect(passes.take(gone(T0 + 9_000))).toEqual([]);
    expect(passes.take(gone(T0 + 10_500))).toEqual([{ do: 'release', slot }]);
  });

  it('is not freed by looks that follow each other in no time', () => {
    const passes = Passes.learned(there);
    const actions = [1, 2, 3, 4, 5, 6].flatMap((n) => passes.take(gone(T0 + 1_000 + n * 200)));
    expect(actions).toEqual([]);
  });

  it('is not freed by one look, however long that one took', () => {
    const passes = Passes.learned(there);
    expect(passes.take(gone(T0 + 9_000, { looks: [aLook(T0 + 1_000)] }))).toEqual([]);
    expect(dos(passes.take(gone(T0 + 10_000)))).toEqual(['release']);
  });

  it('is not freed for looks from before it was entered again', () => {
    const passes = Passes.learned(there);
    passes.take(gone(T0 + 1_000));
    passes.take(gone(T0 + 2_000));
    const entered = { ...slot, generation: 2, enteredAt: T0 + 3_000, reservedUntil: T0 + 33_000 };
    expect(passes.take(gone(T0 + 40_000, { slots: [entered] }))).toEqual([]);
    expect(dos(passes.take(gone(T0 + 46_000, { slots: [entered] })))).toEqual(['release']);
  });

  it('starts anew when it is seen in between', () => {
    const passes = Passes.learned(there);
    passes.take(gone(T0 + 5_000));
    passes.take(there(T0 + 10_000));
    expect(passes.take(gone(T0 + 15_000))).toEqual([]);
    expect(passes.take(gone(T0 + 18_000))).toEqual([]);
    expect(dos(passes.take(gone(T0 + 20_500)))).toEqual(['release']);
  });

  it('is not freed by silence, however long', () => {
    const passes = Passes.learned(there);
    passes.take(gone(T0 + 5_000));
    for (let n = 2; n < 100; n += 1) expect(passes.take(gone(T0 + n * 5_000, { looks: [] }))).toEqual([]);
    expect(dos(passes.take(gone(T0 + 505_000)))).toEqual(['release']);
  });

  it('is not freed by looks that began before it was last seen or entered', () => {
    const passes = Passes.learned(there);
    const entered = { ...slot, generation: 2, enteredAt: T0 + 60_000 };
    for (let n = 1; n < 9; n += 1) {
      const pass = gone(T0 + 60_000 + n * 5_000, { slots: [entered], looks: [aLook(T0 + 59_999)] });
      expect(passes.take(pass)).toEqual([]);
    }
  });

  it('starts anew when it was entered again, and waits for the session until the reservation has run out', () => {
    const passes = Passes.learned(there);
    passes.take(gone(T0 + 5_000));
    const entered = { ...slot, generation: 2, enteredAt: T0 + 6_000, reservedUntil: T0 + 36_000 };
    for (let n = 2; n <= 7; n += 1)
      expect(passes.take(gone(T0 + n * 5_000, { slots: [entered] }))).toEqual([]);
    expect(dos(passes.take(gone(T0 + 40_000, { slots: [entered] })))).toEqual(['release']);
  });

  it('is followed to another session, run or node', () => {
    const passes = Passes.learned(there);
    expect(passes.take(aPass(T0 + 5_000, { slots: [slot], sources: [aSource('robots/r1', 's2')] }))).toEqual([
      { do: 'activate', slot, node: 'n1', incarnation: 'run-1', sessionId: 's2' },
    ]);
    const nodes = ['n1', 'n2'];
    const looks = [aLook(T0 + 9_000), aLook(T0 + 9_000, [aSource()], { node: 'n2', incarnation: 'other' })];
    expect(passes.take(aPass(T0 + 10_000, { slots: [slot], nodes, looks }))).toEqual([
      { do: 'activate', slot, node: 'n2', incarnation: 'other', sessionId: 's1' },
    ]);
  });

  it('stays bound to its node while that one is silent, whatever another shows', () => {
    const nodes = ['n1', 'n2'];
    const both = (now: number): Pass =>
      aPass(now, {
        slots: [slot],
        nodes,
        looks: [aLook(now - 10, [aSource()]), aLook(now - 10, [], { node: 'n2' })],
      });
    const passes = Passes.learned(both);
    const looks = [aLook(T0 + 4_000, [aSource('robots/r1', 'old')], { node: 'n2' })];
    expect(passes.take(aPass(T0 + 5_000, { slots: [slot], nodes, looks }))).toEqual([]);
    for (let n = 2; n < 20; n += 1) {
      const looks = [aLook(T0 + n * 5_000, [], { node: 'n2' })];
      expect(passes.take(aPass(T0 + n * 5_000 + 10, { slots: [slot], nodes, looks }))).toEqual([]);
    }
  });

  it('is noted as seen once a minute', () => {
    const passes = Passes.learned(there);
    expect(passes.take(there(T0 + 59_000))).toEqual([]);
    expect(dos(passes.take(there(T0 + 61_000)))).toEqual(['activate']);
  });
});

describe('a reserved slot', () => {
  const reserved = aSlot({
    state: 'reserved',
    node: null,
    incarnation: null,
    sessionId: null,
    enteredAt: T0,
    reservedUntil: T0 + 30_000,
    lastSeenAt: null,
  });
  const waiting = (now: number, pass: Partial<Pass> = {}): Pass => aPass(now, { slots: [reserved], ...pass });
  const empty = (now: number): Pass => aPass(now);

  it('comes to life when its session is seen', () => {
    const pass = aPass(T0 + 2_000, { slots: [reserved], sources: [aSource('robots/r1', 's9')] });
    expect(Passes.learned(empty).take(pass)).toEqual([
      { do: 'activate', slot: reserved, node: 'n1', incarnation: 'run-1', sessionId: 's9' },
    ]);
  });

  it('is not brought to life by a session from before', () => {
    const looks = [aLook(T0 - 1, [aSource()])];
    expect(Passes.learned(empty).take(aPass(T0 + 200, { slots: [reserved], looks }))).toEqual([]);
  });

  it('comes to life while learning, too', () => {
    const pass = aPass(T0 + 2_000, { slots: [reserved], sources: [aSource()] });
    expect(dos(new Passes().take(pass))).toEqual(['activate']);
  });

  it('expires once a look that began after its time does not show it', () => {
    const passes = Passes.learned(empty);
    expect(passes.take(waiting(T0 + 29_000))).toEqual([]);
    expect(passes.take(waiting(T0 + 31_000, { looks: [aLook(T0 + 30_000)] }))).toEqual([]);
    expect(passes.take(waiting(T0 + 32_000))).toEqual([{ do: 'expire', slot: reserved }]);
  });

  it('waits for every node while nobody knows on which it will come', () => {
    const passes = Passes.learned(empty);
    const nodes = ['n1', 'n2'];
    expect(passes.take(waiting(T0 + 60_000, { nodes }))).toEqual([]);
    const bound = { ...reserved, node: 'n1' };
    expect(dos(passes.take(waiting(T0 + 65_000, { nodes, slots: [bound] })))).toEqual(['expire']);
  });
});

describe('learning', () => {
  const restarts: [string, (now: number, pass: Partial<Pass>) => Pass, string][] = [
    ['a new leader', (now, pass) => gone(now, { ...pass, epoch: 2 }), 'new leader'],
    [
      'another database',
      (now, pass) => gone(now, { ...pass, database: aState({ identity: 'db/2' }) }),
      'another database',
    ],
    [
      'a database from before',
      (now, pass) =>
        gone(now, { ...pass, database: aState({ markBefore: now === T0 + 5_000 ? 'old' : 'm' }) }),
      'an older database',
    ],
    [
      'counters that differ from the rows',
      (now, pass) => gone(now, { ...pass, database: aState({ counterDrift: now === T0 + 5_000 ? 1 : 0 }) }),
      'counters differ from slots',
    ],
    [
      'a node that has restarted',
      (now) => gone(now, { looks: [aLook(now - 10, [], { incarnation: 'run-2' })] }),
      'node n1 is another run',
    ],
  ];

  it.each(restarts)('frees and cuts nothing after %s, and then does', (_, pass, cause) => {
    const passes = Passes.learned(there);
    expect(passes.take(pass(T0 + 5_000, {}))).toEqual([]);
    expect(passes.report).toMatchObject({ learning: ['n1'], startedLearning: [cause] });
    expect(passes.take(pass(T0 + 10_000, {}))).toEqual([]);
    expect(passes.report).toMatchObject({ learning: ['n1'], startedLearning: [] });
    const after = pass(T0 + 15_500, {});
    expect(dos(passes.take(after))).toEqual(['release']);
    expect(passes.report?.learning).toEqual([]);
  });

  it('begins when slots vanish from the table', () => {
    const passes = Passes.learned(there);
    const database = aState({ vanished: 1 });
    const pass = aPass(T0 + 5_000, { slots: [], sources: [aSource()], database });
    expect(passes.take(pass)).toEqual([
      { do: 'adopt', path: 'robots/r1', node: 'n1', incarnation: 'run-1', sessionId: 's1' },
    ]);
    expect(passes.report?.startedLearning).toEqual(['slots vanished']);
  });

  it('lasts ten seconds, however quick the looks', () => {
    const passes = new Passes();
    for (let n = 0; n <= 49; n += 1) expect(passes.take(gone(T0 + 100 + n * 200))).toEqual([]);
    expect(dos([...passes.take(gone(T0 + 10_100)), ...passes.take(gone(T0 + 10_300))])).toContain('release');
  });

  it('waits for every node after a new leader, and only for itself after a node restarts', () => {
    const nodes = ['n1', 'n2'];
    const pass = (now: number, looks = [aLook(now - 10)]): Pass =>
      aPass(now, { slots: [slot], nodes, looks });
    const passes = new Passes();
    for (let n = 1; n < 10; n += 1) expect(passes.take(pass(T0 + n * 5_000))).toEqual([]);
    const both = (now: number, run = 'run-1') => [
      aLook(now - 10),
      aLook(now - 10, [], { node: 'n2', incarnation: run }),
    ];
    for (let n = 10; n < 12; n += 1)
      expect(passes.take(pass(T0 + n * 5_000, both(T0 + n * 5_000)))).toEqual([]);
    expect(dos(passes.take(pass(T0 + 61_000, both(T0 + 61_000))))).toEqual(['release']);
    expect(dos(passes.take(pass(T0 + 65_000, both(T0 + 65_000, 'run-2'))))).toEqual(['release']);
    expect(passes.report?.learning).toEqual(['n2']);
  });
});

describe('what runs without a slot', () => {
  const empty = (now: number): Pass => aPass(now);
  const strange = (now: number, ids = ['x']): Pass =>
    aPass(now, { sources: ids.map((id) => aSource(`robots/${id}`, id)) });

  it('is cut after ten seconds', () => {
    const passes = Passes.learned(empty);
    expect(passes.take(strange(T0 + 5_000))).toEqual([]);
    expect(passes.take(strange(T0 + 14_000))).toEqual([]);
    expect(passes.take(strange(T0 + 15_000))).toEqual([
      { do: 'cut', path: 'robots/x', node: 'n1', sessionId: 'x' },
    ]);
  });

  it('is cut again when it is still there five seconds later', () => {
    const passes = Passes.learned(empty);
    passes.take(strange(T0 + 1_000));
    expect(dos(passes.take(strange(T0 + 11_000)))).toEqual(['cut']);
    expect(passes.take(strange(T0 + 13_000))).toEqual([]);
    expect(dos(passes.take(strange(T0 + 16_000)))).toEqual(['cut']);
  });

  it('is adopted while learning, and never cut when that did not work', () => {
    const passes = new Passes();
    expect(dos(passes.take(strange(T0)))).toEqual(['adopt']);
    for (let n = 1; n < 3; n += 1) expect(dos(passes.take(strange(T0 + n * 4_000)))).toEqual(['adopt']);
    for (let n = 3; n < 20; n += 1) expect(passes.take(strange(T0 + n * 5_000))).toEqual([]);
    expect(passes.report).toMatchObject({ drift: 1, learning: [] });
  });

  it('is cut within the budget: five a cycle, or a tenth', () => {
    const passes = Passes.learned(empty);
    const ids = Array.from({ length: 40 }, (_, n) => `x${n}`);
    passes.take(strange(T0 + 1_000, ids));
    expect(passes.take(strange(T0 + 11_000, ids))).toHaveLength(5);
    expect(passes.report?.withheldCuts).toBe(35);
    expect(passes.take(strange(T0 + 11_200, ids))).toEqual([]);
    expect(passes.take(strange(T0 + 16_200, ids))).toHaveLength(5);
    const looks = (count: number) => [
      aLook(
        0,
        Array.from({ length: count }, (_, n) => aSource(`p${n}`)),
      ),
    ];
    expect([0, 40, 60, 1_000].map((count) => cutBudget({ looks: looks(count) }))).toEqual([5, 5, 6, 100]);
  });

  it('waits anew for nothing while its node is silent', () => {
    const passes = Passes.learned(empty);
    passes.take(strange(T0 + 1_000));
    passes.take(aPass(T0 + 6_000, { looks: [] }));
    expect(dos(passes.take(strange(T0 + 11_000)))).toEqual(['cut']);
  });
});

describe('drift', () => {
  it('is zero at rest', () => {
    expect(Passes.learned(there).report?.drift).toBe(0);
  });

  it('counts slots without a session and sessions without a slot', () => {
    const passes = Passes.learned(there);
    passes.take(aPass(T0 + 5 * SECOND, { slots: [slot], sources: [aSource('robots/r2')] }));
    expect(passes.report?.drift).toBe(2);
  });
});
