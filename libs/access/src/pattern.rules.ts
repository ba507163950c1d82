import { PATH_MAX_CHARS } from '@rovercast/contracts';

const SEGMENT = /^[0-9A-Za-z_.-]+$/;

/**
 * Whether a text is a path pattern: whole segments of a path, `*` for exactly one segment, and `**` as the last one for
 * the path so far and everything below it.
 */
export function isValidPattern(pattern: string): boolean {
  if (pattern.length === 0 || pattern.length > PATH_MAX_CHARS) return false;
  const segments = pattern.split('/');
  return segments.every((segment, index) => {
    if (segment === '**') return index === segments.length - 1;
    return segment === '*' || (SEGMENT.test(segment) && segment !== '.' && segment !== '..');
  });
}

/**
 * Whether a pattern covers a path, segment by segment and byte by byte: `robots/r1/*` covers `robots/r1/front` and not
 * `robots/r10/front`; `robots/r1/**` covers `robots/r1` too. Linear in the length of the path.
 */
export function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const actual = path.split('/');
  const open = wanted.at(-1) === '**';
  const fixed = open ? wanted.length - 1 : wanted.length;
  if (open ? actual.length < fixed : actual.length !== fixed) return false;
  for (let index = 0; index < fixed; index += 1) {
    if (wanted[index] !== '*' && wanted[index] !== actual[index]) return false;
  }
  return true;
}
