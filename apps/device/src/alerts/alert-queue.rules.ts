import type { AlertEvent } from '@rovercast/contracts';

/** An alert that has not been told yet, and when it was raised on a clock that only moves forward. */
export interface WaitingAlert {
  alert: AlertEvent;
  raisedAtMs: number;
}

/** Offline, the newest so many are kept. */
export const ALERTS_KEPT = 100;
/** An older alert is history and asks for nothing any more. */
export const ALERT_LIFE_MS = 60_000;

/** The queue with one more, and without what is stale or too much. */
export const withAlert = (queue: WaitingAlert[], one: WaitingAlert): WaitingAlert[] =>
  [...fresh(queue, one.raisedAtMs), one].slice(-ALERTS_KEPT);

/** What is still worth telling. */
export const fresh = (queue: WaitingAlert[], nowMs: number): WaitingAlert[] =>
  queue.filter(({ raisedAtMs }) => nowMs - raisedAtMs < ALERT_LIFE_MS);

/** What is left of its life, in whole seconds, at least one. */
export const secondsLeft = ({ raisedAtMs }: WaitingAlert, nowMs: number): number =>
  Math.max(1, Math.ceil((ALERT_LIFE_MS - (nowMs - raisedAtMs)) / 1000));
