/** Which call does what. An answer is JSON; an ApiError is a status with a text. */

/** A call that failed the way MediaMTX fails it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface ApiCall {
  /** What follows the route's prefix: a name or an id. */
  param: string;
  query: URLSearchParams;
  body: Buffer;
}

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** The path goes on with a name (slashes allowed) or with an id. */
  param?: 'name' | 'id';
  run(call: ApiCall): unknown;
}

export const OK = { status: 'ok' };

/** The route for a call and its parameter; undefined when there is none. */
export function findRoute(
  routes: Route[],
  method: string,
  path: string,
): { route: Route; param: string } | undefined {
  for (const route of routes) {
    if (route.method !== method) continue;
    const param = paramOf(route, path);
    if (param !== undefined) return { route, param };
  }
  return undefined;
}

/** Where gin sends a path that only a trailing slash keeps from a route. */
export function slashRedirect(routes: Route[], method: string, path: string): string | undefined {
  const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
  return findRoute(routes, method, other) ? other : undefined;
}

function paramOf(route: Route, path: string): string | undefined {
  if (!route.param) return path === route.path ? '' : undefined;
  if (!path.startsWith(`${route.path}/`)) return undefined;
  const param = path.slice(route.path.length + 1);
  if (route.param === 'id' && (param === '' || param.includes('/'))) return undefined;
  return param;
}
