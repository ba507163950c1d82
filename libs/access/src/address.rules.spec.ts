import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { addressBlock, isInAddressRanges, isSameAddress } from './address.rules';

describe('isInAddressRanges', () => {
  it.each<[string, string[], boolean]>([
    ['10.1.2.3', ['10.0.0.0/8'], true],
    ['11.1.2.3', ['10.0.0.0/8'], false],
    ['10.1.2.3', ['192.168.0.0/16', '10.1.2.3'], true],
    ['10.1.2.4', ['10.1.2.3'], false],
    ['10.1.2.3', ['0.0.0.0/0'], true],
    ['10.1.2.3', ['::/0'], false],
    ['2001:db8::1', ['0.0.0.0/0'], false],
    ['2001:db8::1', ['::/0'], true],
    ['2001:db8:0:1::9', ['2001:db8:0:1::/64'], true],
    ['2001:db8:0:2::9', ['2001:db8:0:1::/64'], false],
    ['2001:DB8::1', ['2001:db8:0:0:0:0:0:1'], true],
    ['::ffff:10.1.2.3', ['10.0.0.0/8'], true],
    ['::ffff:a01:203', ['10.0.0.0/8'], true],
    ['::ffff:10.1.2.3', ['::/0'], false],
    ['10.1.2.3', ['::ffff:10.0.0.0/104'], true],
    ['11.1.2.3', ['::ffff:10.0.0.0/104'], false],
    ['10.1.2.3', ['::ffff:10.0.0.0/8'], false],
    ['fe80::1%eth0', ['fe80::/10'], true],
    ['fe80::1%', ['fe80::/10'], false],
    ['10.0.0.1%eth0', ['10.0.0.0/8'], false],
    ['10.1.2.3', [], false],
    ['10.1.2.3', ['nonsense', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/8/8', '/', ''], false],
    ['<nil>', ['0.0.0.0/0', '::/0'], false],
    ['', ['0.0.0.0/0', '::/0'], false],
    ['10.1.2.03', ['0.0.0.0/0'], false],
    ['10.1.2.256', ['0.0.0.0/0'], false],
    ['10.1.2', ['0.0.0.0/0'], false],
    ['10.1.2.3:80', ['0.0.0.0/0', '::/0'], false],
    ['1::2::3', ['::/0'], false],
    [':::', ['::/0'], false],
    ['1:2:3:4:5:6:7:8:9', ['::/0'], false],
    ['1:2:3:4:5:6:7::8', ['::/0'], false],
    ['١.1.1.1', ['0.0.0.0/0'], false],
  ])('%j in %j: %s', (address, ranges, expected) => {
    expect(isInAddressRanges(address, ranges)).toBe(expected);
  });

  it('says what Node says of plain addresses and ranges', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.integer({ min: 0, max: 128 }),
        (address, base, length) => {
          const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
          const prefix = family === 'ipv4' ? length % 33 : length;
          // Node mixes the kinds where one is written as the other; ours never does.
          fc.pre(!/^(::|0[:0]*:)/.test(address) && !/^(::|0[:0]*:)/.test(base));
          const list = new BlockList();
          list.addSubnet(base, prefix, family);
          const expected = isIP(address) === isIP(base) && list.check(address, family);
          expect(isInAddressRanges(address, [`${base}/${prefix}`])).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});

it.each([
  ['10.0.0.7', '10.0.0.7', true],
  ['10.0.0.7', '::ffff:10.0.0.7', true],
  ['2001:db8::1', '2001:DB8:0::1', true],
  ['10.0.0.7', '10.0.0.8', false],
  ['0.0.0.1', '::1', false],
  ['<nil>', '<nil>', false],
  ['', '', false],
])('isSameAddress(%j, %j): %s', (left, right, expected) => expect(isSameAddress(left, right)).toBe(expected));

it.each([
  ['10.0.0.7', '10.0.0.200', true],
  ['10.0.0.7', '::ffff:10.0.0.8', true],
  ['10.0.0.7', '10.0.1.7', false],
  ['2001:db8:0:1::1', '2001:db8:0:1:ffff::1', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
])('%s and %s are of one block: %s', (left, right, expected) =>
  expect(addressBlock(left) === addressBlock(right)).toBe(expected),
);

it('knows no block of what is no address', () => expect(addressBlock('<nil>')).toBeUndefined());
