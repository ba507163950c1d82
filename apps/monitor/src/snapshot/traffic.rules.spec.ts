import { addTraffic } from './traffic.rules';

const ZERO = { inboundBytes: 0, outboundBytes: 0 };
const session = (id: string, inboundBytes: number, outboundBytes: number) => ({
  id,
  inboundBytes,
  outboundBytes,
});

it.each([
  ['a new session counts from zero', [], [session('a', 10, 5)], { inboundBytes: 10, outboundBytes: 5 }],
  [
    'a known one counts what it moved since',
    [session('a', 10, 5)],
    [session('a', 12, 9)],
    { inboundBytes: 2, outboundBytes: 4 },
  ],
  [
    'a counter that went back counts anew',
    [session('a', 10, 5)],
    [session('a', 3, 5)],
    { inboundBytes: 3, outboundBytes: 0 },
  ],
  ['one that left takes nothing away', [session('a', 10, 5)], [], ZERO],
])('%s', (_, before, after, expected) => {
  expect(addTraffic(ZERO, before, after)).toEqual(expected);
});
