import { PollLoop } from './poll.loop';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('runs again after the pause that the run asked for', async () => {
  const run = jest.fn().mockResolvedValue(1_000);
  const loop = new PollLoop({ run, onError: jest.fn(), retryMs: 100 });
  loop.hurry();
  await jest.advanceTimersByTimeAsync(0);
  expect(run).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(999);
  expect(run).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(run).toHaveBeenCalledTimes(2);
  await loop.close();
});

it('never runs twice at once; asked during a run, it runs once more right after', async () => {
  let finish: (pauseMs: number) => void = () => undefined;
  const run = jest.fn(() => new Promise<number>((resolve) => (finish = resolve)));
  const loop = new PollLoop({ run, onError: jest.fn(), retryMs: 100 });
  loop.hurry();
  loop.hurry();
  loop.hurry();
  expect(run).toHaveBeenCalledTimes(1);
  finish(60_000);
  await jest.advanceTimersByTimeAsync(1);
  expect(run).toHaveBeenCalledTimes(2);
  finish(60_000);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(run).toHaveBeenCalledTimes(2);
  await loop.close();
});

it('waits longer after each failure, and no longer than ten seconds', async () => {
  const run = jest.fn().mockRejectedValue(new Error('down'));
  const failures: number[] = [];
  const loop = new PollLoop({ run, onError: (_, count) => failures.push(count), retryMs: 1_000 });
  loop.hurry();
  await jest.advanceTimersByTimeAsync(1_000 + 2_000 + 4_000);
  expect(failures).toEqual([1, 2, 3, 4]);
  await jest.advanceTimersByTimeAsync(8_000 + 10_000 + 10_000);
  expect(failures).toHaveLength(7);
  await loop.close();
});

it('waits for the run that is on when it is closed, and runs no more', async () => {
  let finish: (pauseMs: number) => void = () => undefined;
  const run = jest.fn(() => new Promise<number>((resolve) => (finish = resolve)));
  const loop = new PollLoop({ run, onError: jest.fn(), retryMs: 100 });
  loop.hurry();
  const closed = loop.close();
  finish(10);
  await closed;
  loop.hurry();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(run).toHaveBeenCalledTimes(1);
});
