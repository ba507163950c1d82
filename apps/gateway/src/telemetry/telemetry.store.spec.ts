import type { TelemetryEvent } from '@rovercast/contracts';
import { TelemetryStore } from './telemetry.store';

const NOW = new Date(0);
const event = (at: number): TelemetryEvent => ({
  v: 1,
  at,
  bootId: 'b',
  memoryTotalBytes: 1,
  memoryAvailableBytes: 1,
  agentRssBytes: 1,
  uptimeSeconds: 1,
  reconnects: 0,
  cameras: [],
});

it('keeps the newest 120 of a robot', () => {
  const store = new TelemetryStore();
  for (let at = 1; at <= 500; at += 1) store.heard('r1', event(at), NOW);
  expect(store.of('r1').map(({ at }) => at)).toEqual(Array.from({ length: 120 }, (_, index) => 381 + index));
});

it('forgets the robot that was silent longest when there are too many', () => {
  const store = new TelemetryStore();
  for (let robot = 0; robot < 2_001; robot += 1) store.heard(`r${robot}`, event(1), NOW);
  expect(store.of('r0')).toEqual([]);
  expect(store.of('r1')).toHaveLength(1);
  expect(store.of('r2000')).toHaveLength(1);
});
