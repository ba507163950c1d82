import { Registry } from 'prom-client';
import type { Admission } from './admission';
import type { AdmissionsRepository } from './admissions.repository';
import { AdmissionsService } from './admissions.service';

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** The table, as far as the service can tell: it can be away, and refuse rows. */
class FakeTable {
  written: Admission[][] = [];
  away = false;
  refuses = new Set<string>();

  write(admissions: Admission[]): Promise<void> {
    if (this.away) return Promise.reject(new Error('connection refused'));
    if (admissions.some(({ sessionId }) => this.refuses.has(sessionId))) {
      return Promise.reject(Object.assign(new Error('bad byte'), { driverError: { code: '22021' } }));
    }
    this.written.push(admissions);
    return Promise.resolve();
  }

  ids(): string[] {
    return this.written.flat().map(({ sessionId }) => sessionId);
  }
}

let table: FakeTable;
let registry: Registry;
let service: AdmissionsService;

const record = (n: number): void =>
  service.record(
    { node: 'main', id: uuid(n), action: 'read', path: 'p', protocol: 'rtsp', ip: '::1', userAgent: '' },
    { principal: { kind: 'robot', robotId: `r${n}`, disabled: false } },
  );
const metric = async (name: string): Promise<number> =>
  (await registry.getSingleMetric(name)!.get()).values[0].value;

beforeEach(() => {
  jest.useFakeTimers();
  table = new FakeTable();
  registry = new Registry();
  service = new AdmissionsService(table as unknown as AdmissionsRepository, registry);
});
afterEach(() => jest.useRealTimers());

describe('AdmissionsService', () => {
  it('writes what comes within 50 ms in one batch', async () => {
    for (const n of [1, 2, 3]) record(n);
    expect(table.written).toEqual([]);
    await jest.advanceTimersByTimeAsync(50);
    expect(table.written.map((batch) => batch.length)).toEqual([3]);
  });

  it('does not wait with 200', async () => {
    for (let n = 0; n < 450; n += 1) record(n);
    await jest.advanceTimersByTimeAsync(0);
    expect(table.written.map((batch) => batch.length)).toEqual([200, 200, 50]);
  });

  it('keeps them while Postgres is away and writes all when it is back', async () => {
    table.away = true;
    for (let n = 0; n < 300; n += 1) record(n);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await metric('admissions_waiting')).toBe(300);
    table.away = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(table.ids()).toHaveLength(300);
    expect(await metric('admissions_waiting')).toBe(0);
    expect(await metric('admissions_dropped_total')).toBe(0);
  });

  it('keeps the newest 20,000 of a long outage and counts the rest', async () => {
    table.away = true;
    for (let n = 0; n < 20_007; n += 1) record(n);
    expect(await metric('admissions_waiting')).toBe(20_000);
    expect(await metric('admissions_dropped_total')).toBe(7);
  });

  it('does not let one bad row hold up the others', async () => {
    table.refuses.add(uuid(2));
    for (const n of [1, 2, 3]) record(n);
    await jest.advanceTimersByTimeAsync(50);
    expect(table.ids()).toEqual([uuid(1), uuid(3)]);
    expect(await metric('admissions_dropped_total')).toBe(1);
    expect(await metric('admissions_waiting')).toBe(0);
  });

  it('writes the last ones at shutdown', async () => {
    record(1);
    await service.onApplicationShutdown();
    expect(table.ids()).toEqual([uuid(1)]);
  });

  it('does not wait for Postgres at shutdown', async () => {
    table.away = true;
    record(1);
    await service.onApplicationShutdown();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(table.written).toEqual([]);
  });
});
