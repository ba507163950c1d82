import { isAddressRange } from './address-ranges';

describe('isAddressRange', () => {
  it.each(['10.0.0.0/8', '192.0.2.7', '192.0.2.7/32', '0.0.0.0/0', '2001:db8::/32', '::1', '::/0'])(
    'takes %s',
    (text) => expect(isAddressRange(text)).toBe(true),
  );

  it.each([
    '',
    '/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '2001:db8::/129',
    'fe80::1%eth0',
    'example.org',
    '10.0.0.0/8 ',
    '10.0.0.0/',
    '10.0.0.0/8\0',
  ])('refuses %j', (text) => expect(isAddressRange(text)).toBe(false));
});
