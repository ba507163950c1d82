import { isConverged, quantiles } from './fleet.rules';

it('quantiles by nearest rank', () => {
  expect(quantiles([4, 1, 3, 2])).toEqual({ p50: 2, p95: 4, p99: 4, max: 4 });
  expect(quantiles([])).toEqual({ p50: 0, p95: 0, p99: 0, max: 0 });
});

it.each([
  [undefined, 'on', false],
  [{ version: 2, state: 'live' }, 'on', true],
  [{ version: 2, state: 'starting' }, 'on', false],
  [{ version: 1, state: 'live' }, 'on', false],
  [{ version: 2, state: 'idle' }, 'off', true],
] as const)('%j and %s: %s', (report, state, expected) => {
  expect(isConverged(report, { version: 2, state })).toBe(expected);
});
