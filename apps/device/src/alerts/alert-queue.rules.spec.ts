import {
  ALERT_LIFE_MS,
  ALERTS_KEPT,
  fresh,
  secondsLeft,
  withAlert,
  type WaitingAlert,
} from './alert-queue.rules';

const raised = (raisedAtMs: number): WaitingAlert => ({
  alert: { v: 1, alertId: `${raisedAtMs}`, kind: 'motion', confidence: 1, camera: 'main', at: 0 },
  raisedAtMs,
});

it('keeps the newest of too many', () => {
  let queue: WaitingAlert[] = [];
  for (let index = 0; index < ALERTS_KEPT + 20; index += 1) queue = withAlert(queue, raised(index));
  expect(queue).toHaveLength(ALERTS_KEPT);
  expect([queue[0].raisedAtMs, queue.at(-1)!.raisedAtMs]).toEqual([20, ALERTS_KEPT + 19]);
});

it('forgets what is stale, when it looks and when one is added', () => {
  const queue = [raised(0), raised(ALERT_LIFE_MS - 1)];
  expect(fresh(queue, ALERT_LIFE_MS - 1)).toEqual(queue);
  expect(fresh(queue, ALERT_LIFE_MS)).toEqual([queue[1]]);
  expect(withAlert(queue, raised(ALERT_LIFE_MS))).toHaveLength(2);
});

it.each([
  [0, 60],
  [500, 60],
  [59_999, 1],
  [70_000, 1],
])('after %i ms has %i s left', (nowMs, seconds) => {
  expect(secondsLeft(raised(0), nowMs)).toBe(seconds);
});
