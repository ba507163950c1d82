import type { StreamWish } from '@rovercast/contracts';
import fc from 'fast-check';
import {
  initialCamera,
  reportedState,
  type CameraEffect,
  type CameraEvent,
  type CameraState,
} from './camera.state.rules';
import { backoffMs, nextWakeMs, step } from './stream.machine';

const PROFILE = { width: 640, height: 360, fps: 15, bitrateKbps: 800 };
const S1 = '01890000-0000-7000-8000-000000000001';
const S2 = '01890000-0000-7000-8000-000000000002';

const aWish = (change: Partial<StreamWish> = {}): StreamWish => ({
  v: 1,
  requestId: `q${change.version ?? 1}`,
  version: 1,
  state: 'on',
  sessionId: S1,
  camera: 'main',
  leaseTtlMs: 30_000,
  issuedAt: 1_000_000,
  profile: PROFILE,
  ...change,
});

const anIngest = (token = 'ticket', lifeMs = 60_000) => ({
  url: 'rtsp://127.0.0.1:8554/robots/r1',
  protocol: 'rtsp' as const,
  token,
  tokenExpiresAt: 1_000_000 + lifeMs,
});

type WishEvent = Extract<CameraEvent, { type: 'wish' }>;

const cmd = (
  nowMs: number,
  wish: Partial<StreamWish> = {},
  change: Partial<WishEvent> = {},
): CameraEvent => ({
  type: 'wish',
  nowMs,
  wish: aWish({ ingest: wish.state === 'off' ? undefined : anIngest(), ...wish }),
  carrier: 'cmd',
  leaseMs: 30_000,
  ...change,
});

const desired = (
  nowMs: number,
  wish: Partial<StreamWish> = {},
  change: Partial<WishEvent> = {},
): CameraEvent => cmd(nowMs, { ingest: undefined, ...wish }, { carrier: 'desired', ...change });

const exited = (
  nowMs: number,
  run: number,
  cause: 'camera_error' | 'ingest_refused' = 'camera_error',
): CameraEvent => ({
  type: 'exited',
  nowMs,
  run,
  cause,
  random: 0.5,
});

/** Runs events through the machine and keeps what the last one did. */
function after(...events: CameraEvent[]): {
  state: CameraState;
  effects: CameraEffect[];
  kinds: string[];
  code?: string;
} {
  let state = initialCamera(PROFILE);
  let effects: CameraEffect[] = [];
  for (const event of events) [state, effects] = step(state, event);
  const answer = effects.find((effect) => effect.type === 'answer');
  return { state, effects, kinds: effects.map(({ type }) => type), code: answer?.answer.code };
}

describe('an order', () => {
  const off = (nowMs: number, version: number) => cmd(nowMs, { version, state: 'off', sessionId: null });
  const liveRun: CameraEvent = { type: 'live', nowMs: 10, run: 1 };

  it.each<[string, CameraEvent[], string, string[]]>([
    ['starts an idle camera', [cmd(0)], 'accepted', ['start', 'report', 'answer']],
    ['asked twice gives the same answer and does nothing', [cmd(0), cmd(5)], 'accepted', ['answer']],
    ['of a lower version is stale', [cmd(0, { version: 5 }), cmd(1, { version: 4 })], 'stale', ['answer']],
    ['whose lease is over is expired', [cmd(0, {}, { leaseMs: 0 })], 'expired', ['answer']],
    ['for the same version and session renews', [cmd(0), cmd(1, { requestId: 'x' })], 'renewed', ['answer']],
    [
      'marked as renewal renews under its first request id too',
      [cmd(0), cmd(1, { renew: true })],
      'renewed',
      ['answer'],
    ],
    [
      'for the same version and another session is stale',
      [cmd(0), cmd(1, { requestId: 'x', sessionId: S2 })],
      'stale',
      ['answer'],
    ],
    ['to stop an idle camera is nothing new', [off(0, 1)], 'noop', ['report', 'answer']],
    ['to stop stops', [cmd(0), liveRun, off(20, 2)], 'accepted', ['stop', 'report', 'answer']],
    [
      'to stop under the version that started is stale',
      [cmd(0), cmd(1, { requestId: 'x', state: 'off' })],
      'stale',
      ['answer'],
    ],
    [
      'for another session stops the old run first',
      [cmd(0), liveRun, cmd(20, { version: 2, sessionId: S2 })],
      'accepted',
      ['stop', 'report', 'answer'],
    ],
    [
      'for the same session and picture under a higher version keeps the run',
      [cmd(0), cmd(20, { version: 2 })],
      'accepted',
      ['report', 'answer'],
    ],
    [
      'for another picture stops the old run first',
      [cmd(0), cmd(20, { version: 2, profile: { ...PROFILE, fps: 5 } })],
      'accepted',
      ['stop', 'report', 'answer'],
    ],
  ])('%s', (_, events, code, kinds) => {
    const result = after(...events);
    expect(result.code).toBe(code);
    expect(result.kinds.sort()).toEqual([...kinds].sort());
  });

  it('for another session starts it once the old run is gone', () => {
    const { effects, state } = after(cmd(0), cmd(1, { version: 2, sessionId: S2 }), exited(9, 1));
    expect(effects).toContainEqual(expect.objectContaining({ type: 'start', run: 2 }));
    expect(state.run?.sessionId).toBe(S2);
  });

  it('is answered from memory for the last 64 request ids', () => {
    let state = initialCamera(PROFILE);
    for (let version = 1; version <= 70; version += 1) [state] = step(state, cmd(version, { version }));
    expect(state.answers).toHaveLength(64);
    const [, effects] = step(state, cmd(100, { version: 20 }));
    expect(effects).toEqual([
      { type: 'answer', answer: { requestId: 'q20', version: 20, code: 'accepted' } },
    ]);
  });
});

describe('a lease', () => {
  it('ends the stream when it is not renewed', () => {
    const { kinds, state } = after(cmd(0), { type: 'timer', nowMs: 30_000 });
    expect(kinds).toEqual(['stop', 'report']);
    expect(state.cause).toBe('lease_expired');
  });

  it('is renewed by a retained copy, and ends later then', () => {
    const renewal = desired(20_000, { renew: true }, { leaseMs: 30_000 });
    expect(after(cmd(0), renewal, { type: 'timer', nowMs: 30_000 }).kinds).toEqual([]);
    expect(after(cmd(0), renewal, { type: 'timer', nowMs: 50_000 }).kinds).toEqual(['stop', 'report']);
  });

  it('is not shortened by an older copy', () => {
    expect(after(cmd(0), desired(1, {}, { leaseMs: 5 })).state.leaseUntilMs).toBe(30_000);
  });

  it('that ended while the robot was cut off goes on when it is renewed', () => {
    const cutOff = [cmd(0), { type: 'timer', nowMs: 30_000 } as const, exited(30_100, 1)];
    expect(after(...cutOff, desired(40_000, { renew: true })).kinds).toEqual(['askSync', 'report']);
    expect(after(...cutOff, cmd(40_000, { requestId: 'n', renew: true })).code).toBe('accepted');
  });

  it('sets the timer', () => {
    const { state } = after(cmd(0));
    expect(nextWakeMs(state, 0)).toBe(30_000);
    expect(nextWakeMs(after(cmd(0), cmd(1, { version: 2, state: 'off' })).state, 1)).toBeUndefined();
  });
});

describe('a retained wish', () => {
  it('waits a moment for the order with the ticket, and then asks for it, again and again', () => {
    const { state, kinds } = after(desired(0));
    expect(kinds).toEqual(['report']);
    expect(reportedState(state)).toBe('starting');
    expect(nextWakeMs(state, 0)).toBe(300);
    expect(after(desired(0), { type: 'timer', nowMs: 300 }).effects).toEqual([
      { type: 'askSync', version: 1 },
    ]);
    expect(after(desired(0), { type: 'timer', nowMs: 300 }, { type: 'timer', nowMs: 400 }).effects).toEqual(
      [],
    );
    expect(after(desired(0), { type: 'timer', nowMs: 300 }, { type: 'timer', nowMs: 5_300 }).effects).toEqual(
      [{ type: 'askSync', version: 1 }],
    );
  });

  it('starts with the ticket of the order that follows, though it is the same request', () => {
    const { code, kinds } = after(desired(0), cmd(5));
    expect(kinds).toEqual(['start', 'answer']);
    expect(code).toBe('accepted');
  });

  it('of unknown age does not start, and asks', () => {
    const { state, effects } = after(desired(0, {}, { leaseMs: 'unknown' }));
    expect(effects).toEqual([{ type: 'askSync', version: 0 }]);
    expect(state.version).toBe(0);
  });

  it('that says off counts whatever its age', () => {
    expect(after(cmd(0), desired(1, { version: 2, state: 'off' }, { leaseMs: 'unknown' })).kinds).toEqual([
      'stop',
      'report',
    ]);
  });
});

describe('an encoder that ends by itself', () => {
  it('is started again after a pause', () => {
    const failed = after(cmd(0), { type: 'live', nowMs: 5, run: 1 }, exited(100, 1));
    expect(failed.kinds).toEqual(['report']);
    expect(failed.state).toMatchObject({ cause: 'camera_error', restarts: 1, backoffUntilMs: 600 });
    expect(reportedState(failed.state)).toBe('starting');
    expect(step(failed.state, { type: 'timer', nowMs: 599 })[1]).toEqual([]);
    expect(step(failed.state, { type: 'timer', nowMs: 600 })[1]).toContainEqual(
      expect.objectContaining({ type: 'start', run: 2 }),
    );
  });

  it('asks for a fresh ticket when the door refused the old one, and tries again with what it has', () => {
    const refused = after(cmd(0), exited(100, 1, 'ingest_refused'));
    expect(refused.effects).toContainEqual({ type: 'askSync', version: 1 });
    expect(step(refused.state, { type: 'timer', nowMs: 600 })[1]).toContainEqual(
      expect.objectContaining({ type: 'start' }),
    );
    const [renewed] = step(refused.state, cmd(200, { requestId: 'n', ingest: anIngest('fresh') }));
    const [, effects] = step(renewed, { type: 'timer', nowMs: 600 });
    expect(effects[0]).toMatchObject({ type: 'start', pipeline: { ingest: { token: 'fresh' } } });
  });

  it('asks instead of starting when its ticket ran out meanwhile', () => {
    const lease = { leaseMs: 500_000 };
    const failed = after(cmd(0, { ingest: anIngest('t', 10_000) }, lease), exited(20_000, 1));
    const [, effects] = step(failed.state, { type: 'timer', nowMs: 25_000 });
    expect(effects).toEqual([{ type: 'askSync', version: 1 }]);
  });

  it('is given up after ten restarts in ten minutes, until a new version comes', () => {
    const ingest = anIngest('t', 900_000);
    let state = after(cmd(0, { ingest }, { leaseMs: 900_000 })).state;
    let nowMs = 0;
    for (let run = 1; run <= 11; run += 1) {
      [state] = step(state, exited((nowMs += 10), run));
      nowMs = Math.max(nowMs, state.backoffUntilMs);
      if (run <= 10) [state] = step(state, { type: 'timer', nowMs });
    }
    expect(reportedState(state)).toBe('failed');
    expect(state.cause).toBe('camera_error');
    expect(step(state, cmd(nowMs, { requestId: 'r', renew: true }))[1]).toEqual([
      expect.objectContaining({ answer: expect.objectContaining({ code: 'noop' }) }),
    ]);
    expect(step(state, cmd(nowMs, { version: 2 }))[1].map(({ type }) => type)).toContain('start');
  });

  it.each([
    [0, 0.999, 999],
    [3, 0.5, 4_000],
    [10, 0.999, 59_940],
    [1_000, 0.5, 30_000],
    [5, 0, 0],
  ])('after %i failures pauses up to a doubling bound (random %f: %i ms)', (attempt, random, expected) => {
    expect(backoffMs(attempt, random)).toBe(expected);
  });
});

describe('the legacy topic', () => {
  const bare: CameraEvent = {
    type: 'bareStart',
    nowMs: 0,
    ingest: { url: 'rtmp://h/robots/r1', protocol: 'rtmp', login: { user: 'u', pass: 'p' } },
    profile: PROFILE,
  };

  it('starts once and stops, without a lease', () => {
    expect(after(bare).kinds).toEqual(['start', 'report']);
    expect(after(bare, bare).kinds).toEqual([]);
    expect(nextWakeMs(after(bare).state, 0)).toBeUndefined();
    expect(after(bare, { type: 'bareStop', nowMs: 5 }).kinds).toEqual(['stop', 'report']);
    expect(after({ type: 'bareStop', nowMs: 5 }).kinds).toEqual([]);
  });
});

describe('any history, with duplicates, reordering, delay, crashes and silence', () => {
  interface Delivery {
    atMs: number;
    issuedAtMs: number;
    wish: StreamWish;
    carrier: 'cmd' | 'desired';
  }

  /** What a gateway might send, and when each copy arrives. */
  const histories = fc
    .array(
      fc.record({
        gapMs: fc.integer({ min: 0, max: 8_000 }),
        what: fc.constantFrom('on', 'off', 'renew', 'renew', 'restart'),
        ttlMs: fc.integer({ min: 1_000, max: 30_000 }),
        copies: fc.array(
          fc.record({
            delayMs: fc.integer({ min: 0, max: 40_000 }),
            carrier: fc.constantFrom<'cmd' | 'desired'>('cmd', 'desired'),
          }),
          { minLength: 0, maxLength: 4 },
        ),
      }),
      { minLength: 1, maxLength: 25 },
    )
    .map((changes) => {
      let nowMs = 0;
      let version = 0;
      let state: 'on' | 'off' = 'off';
      let session = 0;
      return changes.flatMap(({ gapMs, what, ttlMs, copies }, index): Delivery[] => {
        nowMs += gapMs;
        const renew = what === 'renew' && version > 0;
        if (!renew) {
          version += 1;
          state = what === 'off' ? 'off' : 'on';
          if (what !== 'renew' && state === 'on') session += 1;
        }
        const wish = aWish({
          requestId: renew ? `renew${index}` : `q${version}`,
          version,
          state,
          sessionId: state === 'on' ? `session-${session}` : null,
          leaseTtlMs: ttlMs,
          ...(renew && state === 'on' && { renew: true }),
        });
        const issuedAtMs = nowMs;
        return copies.map(({ delayMs, carrier }) => ({
          atMs: issuedAtMs + delayMs,
          issuedAtMs,
          wish: carrier === 'cmd' && state === 'on' ? { ...wish, ingest: anIngest('t', 200_000) } : wish,
          carrier,
        }));
      });
    });

  const crashes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 10 });

  it('never has two runs, never starts on an ended lease, never goes back, and always ends', () => {
    fc.assert(
      fc.property(histories, crashes, fc.integer({ min: 1, max: 2_000 }), (deliveries, lives, stopMs) => {
        let state = initialCamera(PROFILE);
        let alive: { run: number; diesAtMs: number } | undefined;
        let nowMs = 0;
        const answers = new Map<string, string>();
        const queue = [...deliveries].sort((a, b) => a.atMs - b.atMs);
        /** When the newest lease that this version was ever given ends. */
        const leaseEnds = new Map<number, number>();

        const feed = (event: CameraEvent): void => {
          const before = state;
          const [next, effects] = step(state, event);
          state = next;
          expect(next.version).toBeGreaterThanOrEqual(before.version);
          if (!next.wanted) expect(next.run?.phase ?? 'stopping').toBe('stopping');
          if (next.wanted) expect(leaseEnds.get(next.version)).toBeGreaterThan(event.nowMs);
          for (const effect of effects) {
            if (effect.type === 'start') {
              expect(alive).toBeUndefined();
              expect(leaseEnds.get(next.version)).toBeGreaterThan(event.nowMs);
              expect(next.wanted).toBe(true);
              alive = { run: effect.run, diesAtMs: nowMs + lives[effect.run % lives.length] };
            }
            if (effect.type === 'stop' && alive) {
              expect(effect.run).toBe(alive.run);
              alive.diesAtMs = Math.min(alive.diesAtMs, nowMs + stopMs);
            }
            if (effect.type === 'answer') {
              const { requestId, code } = effect.answer;
              const known = answers.get(requestId);
              if (known && requestId.startsWith('q')) expect(code).toBe(known);
              answers.set(requestId, code);
            }
          }
        };

        for (let guard = 0; guard < 5_000; guard += 1) {
          const due = [queue[0]?.atMs, alive?.diesAtMs, nextWakeMs(state, nowMs)].filter(
            (at) => at !== undefined,
          );
          if (due.length === 0) break;
          nowMs = Math.max(nowMs, Math.min(...due));
          if (alive && alive.diesAtMs <= nowMs) {
            const { run } = alive;
            alive = undefined;
            feed({ type: 'exited', nowMs, run, cause: 'encoder_error', random: 0.3 });
          } else if (queue[0]?.atMs <= nowMs) {
            const { wish, carrier, issuedAtMs } = queue.shift()!;
            const leaseMs = wish.leaseTtlMs - (nowMs - issuedAtMs);
            if (wish.state === 'on' && leaseMs > 0) {
              leaseEnds.set(wish.version, Math.max(leaseEnds.get(wish.version) ?? 0, nowMs + leaseMs));
            }
            feed({ type: 'wish', nowMs, wish, carrier, leaseMs });
          } else feed({ type: 'timer', nowMs });
        }
        expect(alive).toBeUndefined();
        expect(state.run).toBeUndefined();
        expect(queue).toEqual([]);
        const newest = Math.max(0, ...leaseEnds.values());
        if (state.wanted) expect(nowMs).toBeLessThan(newest);
        expect(state.wanted).toBe(false);
      }),
      { numRuns: Number(process.env.FC_NUM_RUNS ?? 1_000) },
    );
  });
});
