import { sourcesOf } from './sources.rules';

const aPath = (name: string, source: { type: string; id: string } | null, available = true) => ({
  name,
  available,
  source,
});

it.each([
  [
    'a session that publishes',
    [],
    [{ id: 's', path: 'a', state: 'publish' }],
    [{ path: 'a', sessionId: 's' }],
  ],
  ['a session that reads is none', [], [{ id: 's', path: 'a', state: 'read' }], []],
  [
    'a pull has no session',
    [aPath('c', { type: 'rtspSource', id: '' })],
    [],
    [{ path: 'c', sessionId: null }],
  ],
  ['a path that only waits is none', [aPath('c', { type: 'rtspSource', id: '' }, false)], [], []],
  [
    'a path and its session are one',
    [aPath('a', { type: 'rtspSession', id: 's' })],
    [{ id: 's', path: 'a', state: 'publish' }],
    [{ path: 'a', sessionId: 's' }],
  ],
] as const)('%s', (_, paths, sessions, expected) => {
  expect(sourcesOf(paths, sessions)).toEqual(expected);
});
