import { Logger } from '@nestjs/common';
import type { WakeRequest } from '@rovercast/contracts';
import { Registry } from 'prom-client';
import type { WakePublisher } from './wake.publisher';
import { IN_FLIGHT_MAX, QUIET_MS, QUIET_PATHS_MAX, WakeService } from './wake.service';

const READ = { action: 'read', path: 'robots/r1', id: 'd7f7a3f5-1b1c-4f6e-9a53-0f4d3d1d8f10' };

describe('the bell', () => {
  let rung: WakeRequest[];
  let answer: () => Promise<void>;
  let registry: Registry;
  let bell: WakeService;

  beforeEach(() => {
    jest.useFakeTimers();
    Logger.overrideLogger(false);
    rung = [];
    answer = () => Promise.resolve();
    const publisher = {
      publish: (request: WakeRequest) => {
        rung.push(request);
        return answer();
      },
    };
    registry = new Registry();
    bell = new WakeService(publisher as WakePublisher, registry);
  });
  afterEach(() => {
    bell.onApplicationShutdown();
    jest.useRealTimers();
    Logger.overrideLogger(new Logger());
  });

  const counted = async (result: string): Promise<number> => {
    const { values } = await registry.getSingleMetric('wake_rings_total')!.get();
    return values.find(({ labels }) => labels.result === result)?.value ?? 0;
  };

  it('rings for who reads the path of a robot, at once', () => {
    bell.ring(READ, 'anna');
    expect(rung).toEqual([{ id: expect.any(String), path: 'robots/r1', reader: 'anna', ageMs: 0 }]);
  });

  it.each([
    ['a page', { ...READ, id: null }],
    ['a publisher', { ...READ, action: 'publish' }],
    ['a playback', { ...READ, action: 'playback' }],
    ['a camera that is pulled', { ...READ, path: 'cameras/c1' }],
    ['a path below a camera of a robot', { ...READ, path: 'robots/r1/rear/x' }],
    ['the second name of a main camera', { ...READ, path: 'robots/r1/main' }],
    ['no robot at all', { ...READ, path: 'robots' }],
  ])('does not ring for %s', (_, read) => {
    bell.ring(read, 'anna');
    jest.advanceTimersByTime(QUIET_MS);
    expect(rung).toEqual([]);
  });

  it('rings once however many come in the quiet time, and for the last of them when it is over', () => {
    bell.ring(READ, 'anna');
    jest.advanceTimersByTime(1_000);
    bell.ring(READ, 'ben');
    jest.advanceTimersByTime(1_000);
    bell.ring(READ, 'clara');
    jest.advanceTimersByTime(QUIET_MS - 2_001);
    expect(rung).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(rung.slice(1)).toEqual([
      { id: expect.any(String), path: 'robots/r1', reader: 'clara', ageMs: 3_000 },
    ]);
    expect(rung[1].id).not.toBe(rung[0].id);
    bell.ring(READ, 'dora');
    expect(rung.slice(2)).toEqual([expect.objectContaining({ reader: 'dora', ageMs: 0 })]);
    jest.advanceTimersByTime(10 * QUIET_MS);
    expect(rung).toHaveLength(3);
  });

  it('rings for every path on its own, and again after the quiet time', () => {
    bell.ring(READ, 'anna');
    bell.ring({ ...READ, path: 'robots/r1/rear' }, 'anna');
    jest.advanceTimersByTime(QUIET_MS);
    bell.ring(READ, 'anna');
    expect(rung.map(({ path }) => path)).toEqual(['robots/r1', 'robots/r1/rear', 'robots/r1']);
  });

  it('drops what Postgres does not take, and rings again later', async () => {
    answer = () => Promise.reject(new Error('gone'));
    bell.ring(READ, 'anna');
    await jest.advanceTimersByTimeAsync(QUIET_MS);
    expect(await counted('dropped')).toBe(1);
    answer = () => Promise.resolve();
    bell.ring(READ, 'anna');
    await jest.advanceTimersByTimeAsync(0);
    expect(await counted('sent')).toBe(1);
  });

  it('has no more than so many on the way, and remembers no more than so many paths', async () => {
    answer = () => new Promise(() => undefined);
    for (let robot = 0; robot < QUIET_PATHS_MAX + 5; robot += 1) {
      bell.ring({ ...READ, path: `robots/r${robot}` }, 'anna');
    }
    expect(rung).toHaveLength(IN_FLIGHT_MAX);
    expect(await counted('dropped')).toBe(QUIET_PATHS_MAX + 5 - IN_FLIGHT_MAX);
    jest.advanceTimersByTime(QUIET_MS);
    expect(rung).toHaveLength(IN_FLIGHT_MAX);
  });
});
