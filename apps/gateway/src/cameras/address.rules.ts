/** Whom an IP address leads to: anybody's server, something of ours, or something that is no camera whatever is allowed. */
export type AddressKind = 'public' | 'private' | 'never';

type Range = [address: string, prefixBits: number];

/** Cloud metadata services, groups and all-ones: nothing to pull a picture from, and secrets to lose. */
const NEVER: Range[] = [
  ['169.254.169.254', 32],
  ['100.100.100.200', 32],
  ['fd00:ec2::254', 128],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
  ['ff00::', 8],
];

/** What the IANA special-purpose registries keep off the public network (RFC 6890). */
const PRIVATE: Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
];

/** IPv6 forms that hold an IPv4 address, and where in their eight groups it stands: mapped, compatible, NAT64, 6to4. */
const HOLDERS: [Range, firstGroup: number][] = [
  [['::ffff:0:0', 96], 6],
  [['::', 96], 6],
  [['64:ff9b::', 96], 6],
  [['2002::', 16], 1],
];

/** The kind of an address as a resolver writes it; what is no address is `never`. */
export function addressKind(text: string): AddressKind {
  const address = parse(text);
  if (!address) return 'never';
  const held = heldIpv4(address);
  const forms = held ? [address, held] : [address];
  if (forms.some((form) => isIn(form, NEVER))) return 'never';
  return forms.some((form) => isIn(form, PRIVATE)) ? 'private' : 'public';
}

function heldIpv4(groups: number[]): number[] | undefined {
  if (groups.length !== 8) return undefined;
  const holder = HOLDERS.find(([range]) => isIn(groups, [range]));
  return holder && groups.slice(holder[1], holder[1] + 2);
}

/** The 16-bit groups of an address: two of IPv4, eight of IPv6. */
function parse(text: string): number[] | undefined {
  return text.includes(':') ? parseIpv6(text.split('%')[0]) : parseIpv4(text);
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return undefined;
  const [a, b, c, d] = parts.map(Number);
  return [a * 256 + b, c * 256 + d];
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  if (!tail) return head.length === 8 ? head : undefined;
  const gap = 8 - head.length - tail.length;
  return gap > 0 ? [...head, ...Array.from({ length: gap }, () => 0), ...tail] : undefined;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const dotted = index === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (dotted) groups.push(...dotted);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function isIn(groups: number[], ranges: Range[]): boolean {
  return ranges.some(([network, prefixBits]) => {
    const base = parse(network);
    return (
      base?.length === groups.length &&
      groups.every((group, index) => sameBits(group, base[index], prefixBits - 16 * index))
    );
  });
}

/** Whether the first so many of 16 bits are equal; none or fewer: always. */
function sameBits(left: number, right: number, bits: number): boolean {
  if (bits <= 0) return true;
  const shift = 16 - Math.min(bits, 16);
  return left >> shift === right >> shift;
}
