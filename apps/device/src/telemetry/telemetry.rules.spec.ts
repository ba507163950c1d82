import { availableBytes, cpuPercent, hottestCelsius, sumCpuTimes } from './telemetry.rules';

const core = (user: number, idle: number): { times: Record<string, number> } => ({
  times: { user, nice: 0, sys: 0, idle, irq: 0 },
});

it.each([
  ['idle', [core(0, 100)], [core(0, 200)], 0],
  ['one of two cores', [core(0, 0), core(0, 0)], [core(100, 0), core(0, 100)], 50],
  ['all', [core(0, 0)], [core(10, 0)], 100],
  ['no time', [core(5, 5)], [core(5, 5)], undefined],
  ['a counter that went back', [core(50, 0)], [core(0, 100)], 0],
])('cpu: %s', (_, before, after, percent) => {
  expect(cpuPercent(sumCpuTimes(before), sumCpuTimes(after))).toBe(percent);
});

it.each([
  [[], undefined],
  [['48312\n', '51000\n'], 51],
  [['0\n', 'junk', '999000', ''], undefined],
  [['-5000'], -5],
])('the hottest of %j is %s', (zones, celsius) => {
  expect(hottestCelsius(zones)).toBe(celsius);
});

it('reads what is available, not what is free', () => {
  expect(availableBytes('MemFree:  1 kB\nMemAvailable:   2048 kB\n')).toBe(2_097_152);
  expect(availableBytes('')).toBeUndefined();
});
