const V4_BITS = 32;
const V6_BITS = 128;

/** An IP address as a number, or a text that is none. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

/**
 * Reads an IP address. An IPv4 address in IPv6 form (`::ffff:192.0.2.7`) is the IPv4 address; a zone (`fe80::1%eth0`) is left
 * out, it says where the address holds and not which it is.
 */
function parseAddress(text: string): Address | undefined {
  const plain = text.replace(/%[\w.-]{1,32}$/, '');
  if (plain.length > 45) return undefined;
  if (!plain.includes(':')) {
    const value = parseV4(plain);
    return plain === text && value !== undefined ? { bits: V4_BITS, value } : undefined;
  }
  const value = parseV6(plain);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { bits: V4_BITS, value: value & 0xffffffffn } : { bits: V6_BITS, value };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (tail ? given > 7 : given !== 8) return undefined;
  const groups = [...head, ...Array<number>(8 - given).fill(0), ...(tail ?? [])];
  return groups.reduce((value, group) => value * 65_536n + BigInt(group), 0n);
}

/** Groups of four hexadecimal digits; the last two may be written as an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) as string;
  const groups: number[] = [];
  for (const part of last.includes('.') ? parts.slice(0, -1) : parts) {
    if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return undefined;
    groups.push(parseInt(part, 16));
  }
  if (!last.includes('.')) return groups;
  const v4 = parseV4(last);
  return v4 === undefined ? undefined : [...groups, Number(v4 >> 16n), Number(v4 & 0xffffn)];
}

/**
 * Whether an address lies in one of the CIDR ranges or single addresses. IPv4 and IPv6 ranges hold only their own kind:
 * `10.1.2.3` is not in `::/0`. What is no address is in no range, and what is no range holds nothing.
 */
export function isInAddressRanges(address: string, ranges: readonly string[]): boolean {
  const wanted = parseAddress(address);
  return wanted !== undefined && ranges.some((range) => covers(range, wanted));
}

function covers(range: string, { bits, value }: Address): boolean {
  const [text, prefix, ...rest] = range.split('/');
  const base = parseAddress(text);
  if (!base || rest.length > 0 || text.includes('%')) return false;
  if (prefix !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefix)) return false;
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
  const mapped = base.bits === V4_BITS && text.includes(':') ? V6_BITS - V4_BITS : 0;
  const length = prefix === undefined ? base.bits : Number(prefix) - mapped;
  if (length < 0 || length > base.bits || base.bits !== bits) return false;
  const shift = BigInt(bits - length);
  return base.value >> shift === value >> shift;
}

/** Whether two texts are the same IP address, however they are written. */
export function isSameAddress(left: string, right: string): boolean {
  const [one, other] = [parseAddress(left), parseAddress(right)];
  return one !== undefined && other !== undefined && one.bits === other.bits && one.value === other.value;
}

/**
 * The network that one subscriber usually holds: /24 of IPv4, /64 of IPv6, as text to compare. Undefined for what is no
 * address.
 */
export function addressBlock(address: string): string | undefined {
  const parsed = parseAddress(address);
  if (!parsed) return undefined;
  return parsed.bits === V4_BITS
    ? `v4-${(parsed.value >> 8n).toString(16)}`
    : `v6-${(parsed.value >> 64n).toString(16)}`;
}
