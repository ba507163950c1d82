import { ApiError, OK, type Route } from './routes';
import { paginate } from './paging.rules';
import { parseUuid } from './uuid.rules';

/** Things that the API lists, shows and, where it can, kicks. */
export interface Listing<T> {
  path: string;
  all: () => T[];
  item: (one: T) => object;
}

interface WithId {
  id: string;
  created: Date;
}

/** list and get by id, and kick where `kick` is given. */
export function idRoutes<T extends WithId>(
  listing: Listing<T> & { missing: string; kick?: (one: T) => void },
): Route[] {
  const { path, kick } = listing;
  const find = (param: string): T => {
    const id = orBadRequest(() => parseUuid(param));
    const found = listing.all().find((one) => one.id === id);
    if (!found) throw new ApiError(404, listing.missing);
    return found;
  };
  const routes: Route[] = [
    listRoute({
      ...listing,
      all: () => listing.all().sort((a, b) => a.created.getTime() - b.created.getTime()),
    }),
    { method: 'GET', path: `${path}/get`, param: 'id', run: ({ param }) => listing.item(find(param)) },
  ];
  if (kick) {
    const run = ({ param }: { param: string }) => {
      kick(find(param));
      return OK;
    };
    routes.push({ method: 'POST', path: `${path}/kick`, param: 'id', run });
  }
  return routes;
}

/** A paged list. */
export function listRoute<T>({ path, all, item }: Listing<T>): Route {
  return {
    method: 'GET',
    path: `${path}/list`,
    run: ({ query }) =>
      orBadRequest(() => paginate(all().map(item), query.get('itemsPerPage'), query.get('page'))),
  };
}

/** get by name. */
export function nameRoute<T>(
  path: string,
  find: (name: string) => T | undefined,
  item: (one: T) => object,
  missing: string,
): Route {
  const run = ({ param }: { param: string }) => {
    if (param === '') throw new ApiError(400, 'invalid name');
    const found = find(param);
    if (!found) throw new ApiError(404, missing);
    return item(found);
  };
  return { method: 'GET', path: `${path}/get`, param: 'name', run };
}

/** Turns a rule's error into a 400 with its words. */
export function orBadRequest<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, error instanceof Error ? error.message : 'bad request');
  }
}
