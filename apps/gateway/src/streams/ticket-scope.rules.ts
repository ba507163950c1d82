import { matchesPath, type AccessAction, type Grant } from '@rovercast/access';

/** How far a ticket may go that a caller hands out: no further than its own right. */
export interface TicketScope {
  /** Epoch milliseconds at which the right ends; Infinity: never. */
  until: number;
  /** The CIDR ranges in which alone the right holds. */
  onlyFrom?: string[];
}

/**
 * What a caller may pass on of its right to a path, or undefined when it has none. A right that holds everywhere is preferred
 * to one that is bound to addresses.
 * @param rights the actions of which one is enough
 * @param now epoch milliseconds
 */
export function ticketScope(
  caller: { role: string; grants: Grant[] },
  rights: AccessAction[],
  path: string,
  now: number,
): TicketScope | undefined {
  if (caller.role === 'admin') return { until: Infinity };
  const good = caller.grants.filter(
    ({ action, pattern, expiresAt }) =>
      rights.includes(action) && matchesPath(pattern, path) && (expiresAt ?? Infinity) > now,
  );
  const until = (grants: Grant[]): number =>
    Math.max(...grants.map(({ expiresAt }) => expiresAt ?? Infinity));
  const everywhere = good.filter((grant) => rangesOf(grant).length === 0);
  if (everywhere.length > 0) return { until: until(everywhere) };
  if (good.length === 0) return undefined;
  return { until: until(good), onlyFrom: good.flatMap(rangesOf) };
}

const rangesOf = ({ addressRanges }: Grant): string[] => addressRanges ?? [];
