const LEGAL = /^[0-9a-zA-Z_\-/.]+$/;

/** Why MediaMTX refuses a path's name, in its words (conf/path.go:30); undefined when it is legal. */
export function pathNameProblem(name: string): string | undefined {
  if (name === '') return 'cannot be empty';
  if (name.startsWith('/')) return "can't begin with a slash";
  if (name.endsWith('/')) return "can't end with a slash";
  if (!LEGAL.test(name)) return 'can contain only alphanumeric characters, underscore, dot, minus, slash';
  if (name.split('/').some((part) => part === '.' || part === '..')) return "can't contain dot path segments";
  return undefined;
}
