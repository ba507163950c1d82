import { isValidPath, PATH_MAX_CHARS } from '@rovercast/contracts';

/**
 * What belongs to a group. `path`: whole segments, as grants have them (`*` for one segment, `**` at the end for the path so
 * far and all below). `prefix`: the last segment may go on, `cameras/dubai_police_` covers `cameras/dubai_police_007` and
 * neither `cameras/dubai_police_007/sub` nor `cameras/dubai_polic`.
 */
export interface GroupPattern {
  kind: 'path' | 'prefix';
  value: string;
}

/** A group, as far as it decides where a path belongs. */
export interface PatternGroup {
  name: string;
  patterns: readonly GroupPattern[];
}

/** How closely a pattern says what it covers. */
interface Closeness {
  /** Characters that are given and not left open. */
  literal: number;
  kind: 'exact' | 'prefix' | 'one' | 'rest';
}

const RANK: Record<Closeness['kind'], number> = { exact: 0, prefix: 1, one: 2, rest: 3 };

export const MAX_PATTERNS = 64;

/**
 * The group of a path: the one with the most specific pattern that covers it. More literal characters win; then exact over
 * prefix over `*` over `**`; then the pattern, then the group, that is later in byte order. Undefined, for an invalid path too: nobody may stream there.
 */
export function groupOf<T extends PatternGroup>(groups: readonly T[], path: string): T | undefined {
  if (!isValidPath(path)) return undefined;
  let best: { group: T; pattern: GroupPattern; closeness: Closeness } | undefined;
  for (const group of groups) {
    for (const pattern of group.patterns) {
      const closeness = covers(pattern, path);
      if (!closeness) continue;
      const candidate = { group, pattern, closeness };
      if (!best || beats(candidate, best)) best = candidate;
    }
  }
  return best?.group;
}

/** Why a pattern cannot be one, or undefined when it can. */
export function patternProblem({ kind, value }: GroupPattern): string | undefined {
  if (kind !== 'path' && kind !== 'prefix') return 'kind must be path or prefix';
  if (typeof value !== 'string') return 'value must be a text';
  if (value.length > PATH_MAX_CHARS) return `${quoted(value)} is longer than ${PATH_MAX_CHARS} characters`;
  if (kind === 'prefix') {
    return isValidPath(value)
      ? undefined
      : `prefix ${quoted(value)} must be a path whose last segment may go on; no wildcard, no slash at the end`;
  }
  const segments = value.split('/');
  const fixed = segments.filter((segment) => segment !== '*');
  if (fixed.at(-1) === '**' && segments.at(-1) === '**') fixed.pop();
  const valid = segments.length > 0 && fixed.every((segment) => isValidPath(segment));
  return valid
    ? undefined
    : `${quoted(value)} must be path segments, * for one segment, ** at the end for the rest`;
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 100));

function covers({ kind, value }: GroupPattern, path: string): Closeness | undefined {
  if (kind === 'prefix') {
    const goesOn = path.length > value.length && path.startsWith(value);
    return goesOn && !path.slice(value.length).includes('/')
      ? { literal: value.length, kind: 'prefix' }
      : undefined;
  }
  const wanted = value.split('/');
  const actual = path.split('/');
  const open = wanted.at(-1) === '**';
  if (open) wanted.pop();
  if (open ? actual.length < wanted.length : actual.length !== wanted.length) return undefined;
  if (!wanted.every((segment, index) => segment === '*' || segment === actual[index])) return undefined;
  const literals = wanted.filter((segment) => segment !== '*');
  const literal =
    literals.reduce((sum, segment) => sum + segment.length + 1, 0) - (literals.length > 0 ? 1 : 0);
  if (open) return { literal, kind: 'rest' };
  return { literal, kind: literals.length === wanted.length ? 'exact' : 'one' };
}

interface Candidate {
  group: PatternGroup;
  pattern: GroupPattern;
  closeness: Closeness;
}

function beats(one: Candidate, other: Candidate): boolean {
  if (one.closeness.literal !== other.closeness.literal)
    return one.closeness.literal > other.closeness.literal;
  const rank = RANK[one.closeness.kind] - RANK[other.closeness.kind];
  if (rank !== 0) return rank < 0;
  if (one.pattern.value !== other.pattern.value) return one.pattern.value > other.pattern.value;
  return one.group.name > other.group.name;
}
