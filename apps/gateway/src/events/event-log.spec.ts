import { EventLog } from './event-log';
import type { FleetEvent } from './event.rules';

const event = (n: number): FleetEvent => ({ name: 'stream', data: { n }, audience: { who: 'everyone' } });

function aLog(events: number): EventLog {
  const log = new EventLog('b', 3);
  for (let n = 1; n <= events; n += 1) log.append(event(n));
  return log;
}

it('keeps the newest and forgets the rest', () => {
  const log = aLog(5);
  expect([0, 1, 2, 3, 4, 5, 6].map((n) => (log.at(n)?.data as { n: number } | undefined)?.n)).toEqual([
    undefined,
    undefined,
    undefined,
    3,
    4,
    5,
    undefined,
  ]);
  expect(log.idOf(log.last)).toBe('b-5');
});

it.each([
  [5, 'b-5', 5],
  [5, 'b-2', 2],
  [5, 'b-1', undefined],
  [5, 'b-6', undefined],
  [5, 'other-5', undefined],
  [0, 'b-0', 0],
])('after %d events, %s goes on after %s', (events, id, expected) => {
  expect(aLog(events).resume(id)).toBe(expected);
});
