import { isId, isValidPath, ownerOfPath } from '@rovercast/contracts';

/** One robot that sends RTP, and where its picture goes. */
export interface RelayPlan {
  robotId: string;
  /** UDP port that the robot sends to; RTCP has the next one. */
  port: number;
  path: string;
}

export interface PortRange {
  first: number;
  last: number;
}

/** @throws Error that says what is wrong */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text.trim());
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1024 || last > 65_535 || first > last)
    throw new Error('must be a range of ports above 1023, such as 20000-20099');
  return { first, last };
}

/**
 * Reads `robot:port:path,…`; the path may be left out (`robots/<robot>`).
 * @throws Error that names the entry: ports are even (RFC 3550, 11: RTCP has the next odd one), in the range, and one robot's each
 */
export function parseRelays(text: string, range: PortRange): RelayPlan[] {
  const plans = text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
    .map((entry) => parseRelay(entry, range));
  for (const field of ['port', 'path'] as const) {
    const seen = new Set<unknown>();
    for (const plan of plans) {
      if (seen.has(plan[field])) throw new Error(`${field} ${plan[field]} is given twice`);
      seen.add(plan[field]);
    }
  }
  return plans;
}

function parseRelay(entry: string, { first, last }: PortRange): RelayPlan {
  const [robotId, portText, path = `robots/${robotId}`, ...rest] = entry.split(':');
  const port = Number(portText);
  if (rest.length > 0 || !isId(robotId) || !/^\d+$/.test(portText ?? ''))
    throw new Error(`${entry} must be robot:port:path`);
  if (port < first || port + 1 > last || port % 2 !== 0)
    throw new Error(`${entry}: the port must be even and in ${first}-${last}`);
  if (!isValidPath(path) || ownerOfPath(path)?.robotId !== robotId)
    throw new Error(`${entry}: the path must be one of the robot's`);
  return { robotId, port, path };
}

/** Reads `robot:key,…`, one to a line or separated by commas. @throws Error, without repeating a key */
export function parseRelayKeys(text: string): Map<string, string> {
  const keys = new Map<string, string>();
  for (const entry of text
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter(Boolean)) {
    const [robotId, key, ...rest] = entry.split(':');
    if (!isId(robotId) || rest.length > 0 || !/^rk_[\w-]{43}$/.test(key ?? ''))
      throw new Error('must be robot:key, comma-separated; a key is rk_ and 43 characters');
    keys.set(robotId, key);
  }
  return keys;
}
