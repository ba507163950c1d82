import { configure, DEFAULT_CONFIGURATION, type Configuration } from './configuration.rules';

const profile = { width: 320, height: 180, fps: 10, bitrateKbps: 200 };
const inForce: Configuration = { revision: 5, telemetrySeconds: 10, profiles: { main: profile } };

const change = (revision: number, config: object): Parameters<typeof configure>[1] => ({
  revision,
  raw: config,
  config,
});

it.each<[string, number, object, string]>([
  ['newer', 6, {}, 'accepted'],
  ['the same', 5, { telemetrySeconds: 99 }, 'noop'],
  ['older', 4, {}, 'stale'],
  ['with an unknown key', 6, { volume: 11 }, 'rejected'],
  ['named like a part of JavaScript', 6, { constructor: 1 }, 'rejected'],
  ['with an unknown camera', 6, { profiles: [{ camera: 'back', profile }] }, 'rejected'],
])('%s', (_, revision, config, code) => {
  const [next, answer] = configure(inForce, change(revision, config), ['main', 'front']);
  expect(answer).toBe(code);
  if (code !== 'accepted') expect(next).toBe(inForce);
});

it('keeps what is left out', () => {
  const [next] = configure(inForce, change(6, { profiles: [{ camera: 'front', profile }] }), [
    'main',
    'front',
  ]);
  expect(next).toEqual({ revision: 6, telemetrySeconds: 10, profiles: { main: profile, front: profile } });
});

it('begins with a telemetry event every 30 s', () => {
  expect(DEFAULT_CONFIGURATION).toEqual({ revision: 0, telemetrySeconds: 30, profiles: {} });
});
