import {
  countAbsences,
  reconcile,
  type Absence,
  type Limits,
  type OpenStream,
  type SeenPath,
} from './reconcile.rules';

const NOW = 1_000_000;
const LIMITS: Limits = { startMs: 15_000, lostMs: 10_000, stopMs: 5_000, idleMs: 10_000 };

const aStream = (change: Partial<OpenStream> = {}): OpenStream => ({
  id: 's1',
  path: 'robots/r1',
  state: 'live',
  requestedAt: NOW - 60_000,
  leaseUntil: NOW - 1,
  idleSince: null,
  changedAt: NOW - 50_000,
  ...change,
});

const seeing = (path?: Partial<SeenPath>): Map<string, SeenPath> =>
  new Map(path ? [['robots/r1', { available: true, viewers: 0, ...path }]] : []);

const missing = (since: number, looks: number): Map<string, Absence> =>
  new Map([['robots/r1', { since, looks }]]);

const decide = (stream: OpenStream, seen: Map<string, SeenPath>, absences = new Map<string, Absence>()) =>
  reconcile([stream], seen, absences, LIMITS, NOW);

describe('a stream that was asked for', () => {
  it.each(['requested', 'starting'] as const)('is live once its path has a picture (%s)', (state) => {
    expect(decide(aStream({ state }), seeing({}))).toEqual([{ do: 'mark-live', id: 's1' }]);
  });

  it('is not live while its path only waits', () => {
    expect(
      decide(aStream({ state: 'starting', requestedAt: NOW - 1 }), seeing({ available: false, viewers: 1 })),
    ).toEqual([]);
  });

  it('is given up after the start time', () => {
    expect(decide(aStream({ state: 'starting', requestedAt: NOW - 15_000 }), seeing())).toEqual([]);
    expect(decide(aStream({ state: 'starting', requestedAt: NOW - 15_001 }), seeing())).toEqual([
      { do: 'close', id: 's1', cause: 'start_timeout', failed: true },
    ]);
  });
});

describe('a live stream', () => {
  it('goes on while somebody watches', () => {
    expect(decide(aStream(), seeing({ viewers: 1 }))).toEqual([]);
  });

  it('is marked when the last viewer has gone, and again when one is back', () => {
    expect(decide(aStream(), seeing())).toEqual([]);
    expect(decide(aStream(), seeing({ viewers: 0 }))).toEqual([{ do: 'mark-idle', id: 's1' }]);
    expect(decide(aStream({ idleSince: NOW - 1 }), seeing({ viewers: 2 }))).toEqual([
      { do: 'mark-watched', id: 's1' },
    ]);
  });

  it.each([
    ['the grace is not over', { idleSince: NOW - 9_999 }, 0],
    ['the grace is over', { idleSince: NOW - 10_000 }, 1],
    ['the grace is over but an app holds a lease', { idleSince: NOW - 60_000, leaseUntil: NOW + 1 }, 0],
  ])('without viewers, when %s', (_, change, closes) => {
    const actions = decide(aStream(change), seeing({ viewers: 0 }));
    expect(actions).toEqual(
      closes ? [{ do: 'close', id: 's1', cause: 'last_viewer_left', failed: false }] : [],
    );
  });

  it.each([
    ['one look', missing(NOW - 20_000, 1), false],
    ['two looks within the time', missing(NOW - 9_999, 2), false],
    ['two looks over the time', missing(NOW - 10_000, 2), true],
  ])('is lost only when its path was missing for long enough: %s', (_, absences, lost) => {
    expect(decide(aStream(), seeing(), absences)).toEqual(
      lost ? [{ do: 'close', id: 's1', cause: 'media_lost', failed: true }] : [],
    );
  });
});

describe('a stream that was told to stop', () => {
  it('has stopped once its path has no picture', () => {
    expect(decide(aStream({ state: 'stopping' }), seeing())).toEqual([{ do: 'mark-stopped', id: 's1' }]);
  });

  it('is waited for, and then counted as stopped', () => {
    expect(decide(aStream({ state: 'stopping', changedAt: NOW - 5_000 }), seeing({}))).toEqual([]);
    expect(decide(aStream({ state: 'stopping', changedAt: NOW - 5_001 }), seeing({}))).toEqual([
      { do: 'mark-stopped', id: 's1' },
    ]);
  });
});

describe('absences', () => {
  it('count complete looks without the path of a live stream', () => {
    const first = countAbsences(new Map(), [aStream()], seeing(), NOW);
    const second = countAbsences(first, [aStream()], seeing(), NOW + 1_000);
    expect(second.get('robots/r1')).toEqual({ since: NOW, looks: 2 });
  });

  it('are forgotten when the path is back', () => {
    expect(countAbsences(missing(NOW - 1, 5), [aStream()], seeing({}), NOW).size).toBe(0);
  });

  it('are not counted for streams that are not live', () => {
    expect(countAbsences(new Map(), [aStream({ state: 'starting' })], seeing(), NOW).size).toBe(0);
  });
});
