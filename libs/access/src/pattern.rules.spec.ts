import { isValidPath, PATH_MAX_CHARS } from '@rovercast/contracts';
import fc from 'fast-check';
import { isValidPattern, matchesPath } from './pattern.rules';

describe('isValidPattern', () => {
  it.each([
    ['robots/r1', true],
    ['robots/*', true],
    ['robots/r1/*', true],
    ['robots/**', true],
    ['**', true],
    ['*', true],
    ['*/*/**', true],
    ['', false],
    ['/', false],
    ['/robots', false],
    ['robots/', false],
    ['robots//r1', false],
    ['robots/**/x', false],
    ['**/x', false],
    ['robots/r*', false],
    ['robots/***', false],
    ['robots/..', false],
    ['./robots', false],
    ['robots/#', false],
    ['robots/+', false],
    ['~^robots', false],
    ['^(([a-z]+)/?)*$', false],
    ['robots/саm', false],
    ['a b', false],
    ['a\n', false],
    ['x'.repeat(PATH_MAX_CHARS), true],
    ['x'.repeat(PATH_MAX_CHARS + 1), false],
  ])('%j → %s', (pattern, expected) => {
    expect(isValidPattern(pattern)).toBe(expected);
  });
});

describe('matchesPath', () => {
  it.each([
    ['robots/r1', 'robots/r1', true],
    ['robots/r1', 'robots/r10', false],
    ['robots/r1', 'robots/r1/front', false],
    ['robots/r1', 'robots', false],
    ['robots/r1', 'Robots/r1', false],
    ['robots/r1/*', 'robots/r1/front', true],
    ['robots/r1/*', 'robots/r10/front', false],
    ['robots/r1/*', 'robots/r1', false],
    ['robots/r1/*', 'robots/r1/a/b', false],
    ['robots/*', 'robots/r1', true],
    ['robots/*', 'robots/r1/front', false],
    ['robots/*/front', 'robots/r1/front', true],
    ['robots/*/front', 'robots/r1/back', false],
    ['robots/**', 'robots', true],
    ['robots/**', 'robots/r1', true],
    ['robots/**', 'robots/r1/front', true],
    ['robots/**', 'robotsx/r1', false],
    ['robots/r1/**', 'robots/r1', true],
    ['robots/r1/**', 'robots/r10', false],
    ['robots/*/**', 'robots/r1/a/b', true],
    ['robots/*/**', 'robots', false],
    ['**', 'anything/at/all', true],
    ['*', 'one', true],
    ['*', 'one/two', false],
    ['bob', 'bobby', false],
    ['bob/**', 'bobby/cam', false],
    ['dubai_police_*', 'dubai_police_7', false],
  ])('%s covers %s: %s', (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });

  const segment = fc.stringMatching(/^[0-9A-Za-z_-]{1,8}$/);
  const segments = fc.array(segment, { minLength: 1, maxLength: 6 });

  it('covers itself and nothing else when it has no wildcard', () => {
    fc.assert(
      fc.property(segments, segments, (left, right) => {
        const [pattern, path] = [left.join('/'), right.join('/')];
        return matchesPath(pattern, path) === (pattern === path);
      }),
    );
  });

  it('never covers by the beginning of a name', () => {
    fc.assert(
      fc.property(segments, segment, (path, more) => {
        const longer = [...path.slice(0, -1), `${path.at(-1)}${more}`].join('/');
        return [path.join('/'), `${path.join('/')}/**`].every((pattern) => !matchesPath(pattern, longer));
      }),
    );
  });

  it('with ** covers everything below, and with * exactly one name', () => {
    fc.assert(
      fc.property(segments, segments, (path, below) => {
        const [root, all] = [path.join('/'), [...path, ...below].join('/')];
        expect(matchesPath(`${root}/**`, all)).toBe(true);
        expect(matchesPath(`${root}/*`, all)).toBe(below.length === 1);
        expect(matchesPath([...path.map(() => '*')].join('/'), root)).toBe(true);
      }),
    );
  });

  it('of a valid pattern never throws, whatever the path', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => typeof matchesPath(a, b) === 'boolean'));
    fc.assert(fc.property(fc.string(), (text) => !isValidPath(text) || isValidPattern(text)));
  });

  it('takes 100,000 stars and segments in linear time', () => {
    const startedAt = performance.now();
    matchesPath('*/'.repeat(100_000), 'a/'.repeat(100_000));
    matchesPath(`${'*/'.repeat(100_000)}x`, `${'a/'.repeat(100_000)}y`);
    matchesPath('*'.repeat(200_000), 'a'.repeat(200_000));
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
