import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { Accounts } from '../session/accounts';
import type { Caller } from '../session/caller';
import { EventsService } from './events.service';
import type { FleetNews } from './fleet-news';

const aCaller = (id: string): Caller => ({
  kind: 'user',
  id,
  username: id,
  role: 'viewer',
  disabled: false,
  grants: [],
  address: '127.0.0.1',
});

function aService() {
  let looks = 0;
  const gone = new Set<string>();
  let policyChanged = (): void => undefined;
  const news = {
    whenNews: (ears: { policyChanged: () => void }) => {
      policyChanged = ears.policyChanged;
    },
    lookAtQuotas: () => {
      looks += 1;
    },
  } as unknown as FleetNews;
  const accounts = {
    caller: (id: string) => Promise.resolve(gone.has(id) ? undefined : aCaller(id)),
  } as unknown as Accounts;
  const service = new EventsService(news, accounts);
  service.onModuleInit();
  service.onApplicationBootstrap();
  const listen = (id: string, holds = () => true): PassThrough => {
    service.requireRoom(aCaller(id));
    const response = new PassThrough();
    response.resume();
    service.listen(aCaller(id), {
      response: response as unknown as ServerResponse,
      lastEventId: undefined,
      holds,
    });
    return response;
  };
  return { service, listen, gone, looks: () => looks, policyChanged: () => policyChanged() };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('takes 500 listeners and no more, five of each user', () => {
  const { service, listen } = aService();
  for (let n = 0; n < 500; n += 1) listen(`u${Math.floor(n / 5)}`);
  expect(() => listen('u0')).toThrow('you listen 5 times already');
  expect(() => listen('u100')).toThrow('too many listen already');
  service.beforeApplicationShutdown();
});

it('takes nobody once it stops, and ends who is there', () => {
  const { service, listen } = aService();
  const response = listen('u1');
  service.beforeApplicationShutdown();
  expect(response.writableEnded).toBe(true);
  expect(() => listen('u2')).toThrow('too many listen already');
});

it('ends with the access token, at a heartbeat', async () => {
  const { service, listen } = aService();
  let holds = true;
  const [one, other] = [listen('u1', () => holds), listen('u2')];
  await jest.advanceTimersByTimeAsync(15_000);
  expect(one.writableEnded).toBe(false);
  holds = false;
  await jest.advanceTimersByTimeAsync(15_000);
  expect([one.writableEnded, other.writableEnded]).toEqual([true, false]);
  service.beforeApplicationShutdown();
});

it('ends with the account, when rights change or else at a heartbeat', async () => {
  const { service, listen, gone, policyChanged } = aService();
  const [one, other] = [listen('u1'), listen('u2')];
  gone.add('u1');
  policyChanged();
  await jest.advanceTimersByTimeAsync(0);
  expect([one.writableEnded, other.writableEnded]).toEqual([true, false]);
  gone.add('u2');
  await jest.advanceTimersByTimeAsync(15_000);
  expect(other.writableEnded).toBe(true);
  service.beforeApplicationShutdown();
});

it('looks at the quotas while somebody listens', async () => {
  const { service, listen, looks } = aService();
  await jest.advanceTimersByTimeAsync(20_000);
  expect(looks()).toBe(0);
  listen('u1');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(looks()).toBe(2);
  service.beforeApplicationShutdown();
});
