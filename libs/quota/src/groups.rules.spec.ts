import { isValidPattern, matchesPath } from '@rovercast/access';
import fc from 'fast-check';
import { groupOf, patternProblem, type GroupPattern } from './groups.rules';

const path = (value: string): GroupPattern => ({ kind: 'path', value });
const prefix = (value: string): GroupPattern => ({ kind: 'prefix', value });
const group = (name: string, ...patterns: GroupPattern[]) => ({ name, patterns });

describe('groupOf', () => {
  it.each([
    [path('robots/r1'), 'robots/r1', true],
    [path('robots/r1'), 'robots/r10', false],
    [path('robots/*'), 'robots/r1', true],
    [path('robots/*'), 'robots/r1/front', false],
    [path('robots/*'), 'robots', false],
    [path('robots/**'), 'robots', true],
    [path('robots/**'), 'robots/r1/front', true],
    [path('robots/**'), 'robotsx/r1', false],
    [path('*/r1'), 'robots/r1', true],
    [path('**'), 'anything/at/all', true],
    [path('robots/**'), 'Robots/r1', false],
    [path('robots/**'), 'robots//r1', false],
    [path('**'), '../etc', false],
    [prefix('cameras/bus_'), 'cameras/bus_1', true],
    [prefix('cameras/bus_'), 'cameras/bus_', false],
    [prefix('cameras/bus_'), 'cameras/bus', false],
    [prefix('cameras/bus_'), 'cameras/bus_1/sub', false],
    [prefix('cameras/bus_'), 'x/cameras/bus_1', false],
    [prefix('bus_'), 'bus_1', true],
  ])('%j and %s: %s', (pattern, name, expected) => {
    expect(groupOf([group('g', pattern)], name) !== undefined).toBe(expected);
  });

  it.each<[string, string, GroupPattern, ...GroupPattern[]]>([
    [
      'an exact path over everything',
      'cameras/bus_1',
      path('cameras/bus_1'),
      path('cameras/*'),
      prefix('cameras/bus_'),
    ],
    ['a longer prefix', 'cameras/bus_1', prefix('cameras/bus_'), prefix('cameras/b')],
    ['a prefix over a segment', 'cameras/bus_1', prefix('cameras/b'), path('cameras/*')],
    ['one segment over the rest', 'cameras/bus_1', path('cameras/*'), path('cameras/**')],
    ['more literal characters', 'a/b/cc', path('*/*/cc'), path('*/b/*'), path('a/**')],
    ['a literal first segment when all else is equal', 'a/b/c', path('a/*/c'), path('*/b/c')],
    ['anything over **', 'x', path('*'), path('**')],
  ])('prefers %s', (_, name, winner, ...losers) => {
    const groups = [group('winner', winner), ...losers.map((loser, index) => group(`loser${index}`, loser))];
    expect(groupOf(groups, name)?.name).toBe('winner');
    expect(groupOf([...groups].reverse(), name)?.name).toBe('winner');
  });

  const segment = fc.constantFrom('a', 'b', 'ab', 'a_1', '*');
  const pattern = fc.oneof(
    fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([segments, rest]) => path([...segments, ...(rest ? ['**'] : [])].join('/'))),
    fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 }).map((s) => prefix(s.join('/'))),
  );
  const name = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'a_1', 'abc'), { minLength: 1, maxLength: 4 })
    .map((s) => s.join('/'));

  it('does not depend on the order of groups and patterns', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(pattern, { minLength: 1, maxLength: 3 }), { maxLength: 5 }),
        name,
        (patterns, where) => {
          const groups = patterns.map((list, index) => group(`g${index}`, ...list));
          const turned = [...groups].reverse().map((g) => group(g.name, ...[...g.patterns].reverse()));
          expect(groupOf(turned, where)?.name).toBe(groupOf(groups, where)?.name);
        },
      ),
    );
  });

  it('covers what a grant with the same pattern covers', () => {
    fc.assert(
      fc.property(pattern, name, (one, where) => {
        fc.pre(one.kind === 'path');
        expect(groupOf([group('g', one)], where) !== undefined).toBe(matchesPath(one.value, where));
      }),
    );
  });
});

describe('patternProblem', () => {
  it.each([
    [prefix('cameras/'), 'no slash at the end'],
    [prefix(''), 'last segment may go on'],
    [prefix('cam*'), 'no wildcard'],
    [prefix('a//b'), 'last segment may go on'],
    [path('/robots'), 'must be path segments'],
    [path('robots/**/x'), 'must be path segments'],
    [path('ro*'), 'must be path segments'],
    [path('a/../b'), 'must be path segments'],
    [path('a'.repeat(201)), 'longer than 200'],
    [{ kind: 'regex', value: '.*' } as unknown as GroupPattern, 'kind must be'],
    [{ kind: 'path' } as GroupPattern, 'value must be'],
  ])('%j: %s', (pattern, problem) => expect(patternProblem(pattern)).toContain(problem));

  it('takes the patterns that grants take, and no others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', '*', '**', '', '.', '..', 'a.b', 'ü', 'a b', 'a*'), { maxLength: 4 }),
        (segments) => {
          const value = segments.join('/');
          expect(patternProblem(path(value)) === undefined).toBe(isValidPattern(value));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
