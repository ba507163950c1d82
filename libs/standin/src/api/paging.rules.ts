/** A page of a list as every v3 list answers it. */
export interface Page<T> {
  itemCount: number;
  pageCount: number;
  items: T[];
}

const MAX_31_BITS = 2 ** 31 - 1;

/** Cuts the page that the query asks for; throws MediaMTX's words for a bad number (api/paginate.go). */
export function paginate<T>(items: T[], itemsPerPage: string | null, page: string | null): Page<T> {
  const size = itemsPerPage ? parseUint(itemsPerPage) : 100;
  if (size === 0) throw new Error('invalid items per page');
  const index = page ? parseUint(page) : 0;
  const pageCount = Math.ceil(items.length / size);
  return { itemCount: items.length, pageCount, items: items.slice(index * size, (index + 1) * size) };
}

function parseUint(text: string): number {
  const quoted = JSON.stringify(text);
  if (!/^\d+$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${quoted}: invalid syntax`);
  const value = Number(text);
  if (value > MAX_31_BITS) throw new Error(`strconv.ParseUint: parsing ${quoted}: value out of range`);
  return value;
}
