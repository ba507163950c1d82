import { isIP } from 'node:net';

export const ADDRESS_RANGES_MAX = 32;

/** Whether a text is a CIDR range (`192.0.2.0/24`, `2001:db8::/32`) or a single address. */
export function isAddressRange(text: string): boolean {
  const [address, prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return false;
  if (prefix === undefined) return true;
  return /^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
