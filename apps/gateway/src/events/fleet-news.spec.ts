import type { SlotStore } from '@rovercast/quota';
import { until } from '../../../../test/support/until';
import { PresenceRegistry } from '../fleet/presence.registry';
import type { GatewaySettings } from '../gateway.settings';
import type { FleetEvent } from './event.rules';
import type { EventsRepository } from './events.repository';
import { FleetNews } from './fleet-news';

function aNews({ fails = false } = {}) {
  const presence = new PresenceRegistry();
  const told: FleetEvent[] = [];
  const looked: number[] = [];
  const rows = {
    streams: () => Promise.resolve(new Map()),
    alerts: () => Promise.resolve(new Map()),
    cameras: (ids: string[]) => {
      looked.push(ids.length);
      return fails
        ? Promise.reject(new Error('down'))
        : Promise.resolve(new Map(ids.filter((id) => id !== 'deleted').map((id) => [id, ['main', 'rear']])));
    },
  } as unknown as EventsRepository;
  const settings = { databaseUrl: 'postgres://127.0.0.1:9/none' } as GatewaySettings;
  const news = new FleetNews(settings, rows, {} as SlotStore, presence);
  news.whenNews({ tell: (event) => told.push(event), policyChanged: () => undefined });
  const born = (robotId: string): boolean =>
    presence.heard(robotId, { v: 1, online: true, bootId: 'b', connSeq: 1, at: 0, clean: false });
  return { presence, told, looked, born };
}

it('looks robots up together, and tells each to who may know of one of its cameras', async () => {
  const { told, looked, born } = aNews();
  for (const id of ['r1', 'deleted', 'r2']) born(id);
  await until(() => told.length === 2);
  expect(looked).toEqual([3]);
  expect(told[0]).toEqual({
    name: 'presence',
    data: { robotId: 'r1', online: true },
    audience: { who: 'path', paths: ['robots/r1', 'robots/r1/rear'], rights: ['read', 'control'] },
  });
});

it.each([
  ['too many come at once', () => aNews(), 1_001, 'too-many'],
  ['Postgres does not answer', () => aNews({ fails: true }), 1, 'database'],
])('tells everyone to start anew when %s', async (_, make, robots, reason) => {
  const { told, born } = make();
  for (let n = 0; n < robots; n += 1) born(`r${n}`);
  await until(() => told.some(({ name }) => name === 'reset'));
  expect(told).toContainEqual({ name: 'reset', data: { reason }, audience: { who: 'everyone' } });
});

it('tells everyone once when the broker is gone', () => {
  const { presence, told, born } = aNews();
  for (let n = 0; n < 100; n += 1) born(`r${n}`);
  presence.forgetAll();
  presence.forgetAll();
  expect(told).toEqual([{ name: 'reset', data: { reason: 'broker' }, audience: { who: 'everyone' } }]);
});
