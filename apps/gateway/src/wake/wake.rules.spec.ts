import { answerWake, pauseAfter, RECENT_STREAMS, type RecentStream } from './wake.rules';

const running: RecentStream = { outForMs: null, neverCame: false };
const over = (outForMs: number): RecentStream => ({ outForMs, neverCame: false });
const failed = (outForMs: number): RecentStream => ({ outForMs, neverCame: true });

it.each<[string, number, RecentStream[], string]>([
  ['wakes a camera that never streamed', 0, [], 'wake'],
  ['wakes one that stopped before the read', 3, [over(4)], 'wake'],
  ['leaves one alone that is in service', 3, [running], 'RUNNING'],
  ['leaves one alone that is in service after failures', 3, [running, failed(9), failed(99)], 'RUNNING'],
  ['does not bring back what was stopped after the read', 4_000, [over(3_000)], 'OVER'],
  ['does not bring back what failed after the read', 4_000, [failed(3_000)], 'OVER'],
  ['waits five seconds after a failed start', 1, [failed(4_999)], 'BACKING_OFF'],
  ['and tries again then', 1, [failed(5_000)], 'wake'],
  ['waits longer after the second', 1, [failed(9_999), failed(30_000)], 'BACKING_OFF'],
  ['counts failures in a row only', 1, [failed(5_000), over(20_000), failed(40_000)], 'wake'],
  ['does not wait after a stream that had a picture', 1, [over(2), failed(6_000)], 'wake'],
  ['waits a minute at most', 1, Array.from({ length: RECENT_STREAMS }, () => failed(60_000)), 'wake'],
])('%s', (_, readForMs, recent, answer) => {
  expect(answerWake(readForMs, recent)).toBe(answer);
});

it('makes the pauses longer up to a minute', () => {
  expect([0, 1, 2, 3, 4, 5, 99].map(pauseAfter)).toEqual([0, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  expect(pauseAfter(RECENT_STREAMS)).toBe(60_000);
});
