import { Logger } from '@nestjs/common';
import type { AuthSettings } from '../auth.settings';
import { Policy } from './policy';
import type { PolicyRepository } from './policy.repository';
import { POLICY_STALE_MS, PolicyService } from './policy.service';

const aPolicy = (version: string): Policy => new Policy(version, new Map(), new Map(), new Map(), new Map());

/** A repository whose loads end when the test says so. */
class SlowTables {
  version = jest.fn(() => Promise.resolve('1'));
  readonly ends: ((policy: Policy | Error) => void)[] = [];
  load = jest.fn(
    () =>
      new Promise<Policy>((resolve, reject) => {
        this.ends.push((result) => (result instanceof Error ? reject(result) : resolve(result)));
      }),
  );
}

describe('PolicyService', () => {
  let tables: SlowTables;
  let service: PolicyService;
  const settle = () => jest.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    jest.useFakeTimers();
    Logger.overrideLogger(false);
    tables = new SlowTables();
    // Nobody listens there: what the tables announce does not come into it here.
    service = new PolicyService(
      tables as unknown as PolicyRepository,
      { databaseUrl: 'postgres://127.0.0.1:1/x' } as AuthSettings,
    );
  });
  afterEach(async () => {
    await service.onApplicationShutdown();
    jest.useRealTimers();
    Logger.overrideLogger(new Logger());
  });

  it('holds nothing, and is stale, before the first load', () => {
    expect(service.current()).toBeUndefined();
    expect(service.isStale()).toBe(true);
  });

  it('loads once more for all that ask while a load runs: what it read may be older than what they know', async () => {
    const first = service.reload();
    const later = [service.reload(), service.reload(), service.reload()];
    expect(tables.load).toHaveBeenCalledTimes(1);
    tables.ends[0](aPolicy('1'));
    await first;
    await settle();
    expect(tables.load).toHaveBeenCalledTimes(2);
    expect(service.current()?.version).toBe('1');
    const latest = service.reload();
    tables.ends[1](aPolicy('2'));
    await Promise.all(later);
    expect(service.current()?.version).toBe('2');
    await settle();
    expect(tables.load).toHaveBeenCalledTimes(3);
    tables.ends[2](aPolicy('3'));
    await latest;
    expect(service.current()?.version).toBe('3');
  });

  it('keeps what it holds when a load fails, and tries again when asked', async () => {
    const first = service.reload();
    tables.ends[0](aPolicy('1'));
    await first;
    const second = service.reload();
    tables.ends[1](new Error('gone'));
    await second;
    expect(service.current()?.version).toBe('1');
    const third = service.reload();
    tables.ends[2](aPolicy('2'));
    await third;
    expect(service.current()?.version).toBe('2');
  });

  it('goes stale when nobody confirms it, and is fresh again once the version is confirmed', async () => {
    const started = service.onApplicationBootstrap();
    tables.ends[0](aPolicy('1'));
    await started;
    tables.version.mockRejectedValue(new Error('mute'));
    await jest.advanceTimersByTimeAsync(POLICY_STALE_MS - 1_000);
    expect(service.isStale()).toBe(false);
    await jest.advanceTimersByTimeAsync(3_000);
    expect(service.isStale()).toBe(true);
    tables.version.mockResolvedValue('1');
    await jest.advanceTimersByTimeAsync(2_000);
    expect(service.isStale()).toBe(false);
    expect(tables.load).toHaveBeenCalledTimes(1);
  });

  it('loads anew within two seconds of another version', async () => {
    const started = service.onApplicationBootstrap();
    tables.ends[0](aPolicy('1'));
    await started;
    tables.version.mockResolvedValue('2');
    await jest.advanceTimersByTimeAsync(2_000);
    tables.ends[1](aPolicy('2'));
    await settle();
    expect(service.current()?.version).toBe('2');
  });

  it('asks for nothing any more once it is closed', async () => {
    const started = service.onApplicationBootstrap();
    tables.ends[0](aPolicy('1'));
    await started;
    await service.onApplicationShutdown();
    const asked = tables.version.mock.calls.length;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(tables.version).toHaveBeenCalledTimes(asked);
  });
});
