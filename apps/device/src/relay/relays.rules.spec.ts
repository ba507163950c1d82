import { parsePortRange, parseRelayKeys, parseRelays } from './relays.rules';
import { isOurRtp, sdpFor } from './rtp.rules';

const RANGE = { first: 20_000, last: 20_099 };
const KEY = `rk_${'a'.repeat(43)}`;

it('reads relays, the path being the robot’s own when left out', () => {
  expect(parseRelays('r9:20000:robots/r9/rear, r10:20002', RANGE)).toEqual([
    { robotId: 'r9', port: 20_000, path: 'robots/r9/rear' },
    { robotId: 'r10', port: 20_002, path: 'robots/r10' },
  ]);
});

it.each([
  ['r9', 'robot:port:path'],
  ['r9:x', 'robot:port:path'],
  ['r/9:20000', 'robot:port:path'],
  ['r9:20000:robots/r9:x', 'robot:port:path'],
  ['r9:19998', 'even and in 20000-20099'],
  ['r9:20001', 'even and in 20000-20099'],
  ['r9:20100', 'even and in 20000-20099'],
  ['r9:20000:robots/r10', 'one of the robot'],
  ['r9:20000:../etc', 'one of the robot'],
  ['r9:20000,r10:20000', 'port 20000 is given twice'],
  ['r9:20000,r9:20002', 'path robots/r9 is given twice'],
])('refuses %s', (text, problem) => {
  expect(() => parseRelays(text, RANGE)).toThrow(problem);
});

it.each(['', '20000', '20099-20000', '80-90', '20000-70000', 'a-b'])('refuses the range %j', (text) => {
  expect(() => parsePortRange(text)).toThrow('range of ports');
});

it('reads keys from one line or many, and repeats none of them when one is wrong', () => {
  expect([...parseRelayKeys(`r9:${KEY}\nr10:${KEY}\n`).keys()]).toEqual(['r9', 'r10']);
  expect(() => parseRelayKeys('r9:secret-thing')).toThrow(/^must be robot:key/);
  expect(() => parseRelayKeys('r9:secret-thing')).not.toThrow('secret-thing');
});

const packet = (first: number, second: number, length = 40): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set([first, second]);
  return bytes;
};

it.each([
  ['RTP with payload type 96', packet(0x80, 96), true],
  ['its last packet of a picture', packet(0x80, 0x80 | 96), true],
  ['another payload type', packet(0x80, 97), false],
  ['RTCP', packet(0x80, 200), false],
  ['another version', packet(0x40, 96), false],
  ['a header without anything', packet(0x80, 96, 12), false],
  ['text', new TextEncoder().encode('hello, is anybody there?'), false],
  ['nothing', new Uint8Array(0), false],
])('knows %s', (_, datagram, ours) => {
  expect(isOurRtp(datagram)).toBe(ours);
});

it('describes the stream, and listens to its sender alone', () => {
  const sdp = sdpFor({ port: 20_000, from: '192.0.2.7' });
  expect(sdp).toContain('m=video 20000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n');
  expect(sdp).toContain('a=source-filter: incl IN IP4 * 192.0.2.7\r\n');
});
