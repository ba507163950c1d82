import { splitAacPayload, wrapAacFrame } from './rtp-aac.rules';
import { fragmentNal, H264Assembler } from './rtp-h264.rules';
import { buildRtp, buildSenderReport, parseRtp, type RtpPacket, wheelDistance } from './rtp.rules';

const packet = (override: Partial<RtpPacket> = {}): RtpPacket => ({
  payloadType: 96,
  marker: false,
  sequence: 1,
  timestamp: 1_000,
  ssrc: 7,
  payload: Buffer.from([0x41, 1, 2]),
  ...override,
});

describe('RTP', () => {
  it.each([
    [packet()],
    [packet({ marker: true, sequence: 65_535, timestamp: 0xffffffff, ssrc: 0xfffffffe })],
    [packet({ payload: Buffer.alloc(0) })],
  ])('is the same after building and parsing', (one) => {
    expect(parseRtp(buildRtp(one))).toEqual(one);
  });

  it('leaves out contributing sources, extension and padding', () => {
    const hex = 'b1e0000100000002000000030000000' + '9' + 'bede0001' + 'aabbccdd' + '4101' + '000003';
    expect(parseRtp(Buffer.from(hex, 'hex'))?.payload.toString('hex')).toBe('4101');
  });

  it.each([
    ['nothing', ''],
    ['eleven bytes', '8060000100000002000000'],
    ['another version', '006000010000000200000003'],
    ['an extension beyond the end', '906000010000000200000003bede00ff'],
    ['padding beyond the start', 'a06000010000000200000003ff'],
  ])('is not %s', (_name, hex) => {
    expect(parseRtp(Buffer.from(hex, 'hex'))).toBeUndefined();
  });

  it.each([
    [0, 10, 10],
    [0xfffffff0, 0x10, 0x20],
    [0x10, 0xfffffff0, -0x20],
  ])('measures from %i to %i', (from, to, distance) => {
    expect(wheelDistance(from, to)).toBe(distance);
  });

  it('reports the wall clock in NTP time', () => {
    const report = buildSenderReport({ ssrc: 1, wallMs: 500, timestamp: 9, packets: 2, bytes: 3 });
    expect(report.length).toBe(28);
    expect([report.readUInt32BE(8), report.readUInt32BE(12)]).toEqual([2_208_988_800, 0x80000000]);
  });
});

describe('H264Assembler', () => {
  const nal = (bytes: number, first = 0x65) =>
    Buffer.concat([Buffer.from([first]), Buffer.alloc(bytes - 1, 5)]);
  const send = (assembler: H264Assembler, payloads: Buffer[], from = 1, timestamp = 1_000) =>
    payloads.flatMap((payload, index) =>
      assembler.push(
        packet({ payload, sequence: from + index, timestamp, marker: index === payloads.length - 1 }),
      ),
    );

  it.each([1, 2, 1_399, 1_400, 1_401, 2_797, 2_798, 60_000])(
    'puts a NAL unit of %i bytes together again',
    (bytes) => {
      const whole = nal(bytes);
      const payloads = fragmentNal(whole, 1_400);
      expect(Math.max(...payloads.map((payload) => payload.length))).toBeLessThanOrEqual(1_400);
      expect(send(new H264Assembler(), payloads)).toEqual([{ timestamp: 1_000, nals: [whole] }]);
    },
  );

  it('keeps several slices in one picture', () => {
    const slices = [nal(10), nal(20), nal(30)];
    expect(send(new H264Assembler(), slices)).toEqual([{ timestamp: 1_000, nals: slices }]);
  });

  it('ends a picture without a marker when the time goes on', () => {
    const assembler = new H264Assembler();
    expect(assembler.push(packet({ payload: nal(3) }))).toEqual([]);
    const next = assembler.push(packet({ payload: nal(4), sequence: 2, timestamp: 2_000 }));
    expect(next).toEqual([{ timestamp: 1_000, nals: [nal(3)] }]);
  });

  it('opens aggregates', () => {
    const aggregate = Buffer.from('18' + '0002' + '6701' + '0000' + '0001' + '68', 'hex');
    const [unit] = send(new H264Assembler(), [aggregate]);
    expect(unit?.nals.map((one) => one.toString('hex'))).toEqual(['6701', '68']);
  });

  it.each([
    ['a hole', [fragmentNal(nal(5_000), 1_400)[0], fragmentNal(nal(5_000), 1_400)[2]], 1],
    ['a middle without a start', [fragmentNal(nal(5_000), 1_400)[1]], 0],
    ['a start without an end', [fragmentNal(nal(5_000), 1_400)[0]], 0],
    ['an aggregate beyond the end', [Buffer.from('1800ff67', 'hex')], 0],
    ['an unknown type', [Buffer.from([30])], 0],
    ['an empty payload', [Buffer.alloc(0)], 0],
  ])('leaves out a picture with %s, and goes on', (_name, payloads, skipped) => {
    const assembler = new H264Assembler();
    payloads.forEach((payload, index) => {
      const sequence = 1 + index * (1 + skipped);
      expect(
        assembler.push(
          packet({ payload: payload ?? Buffer.alloc(0), sequence, marker: index === payloads.length - 1 }),
        ),
      ).toEqual([]);
    });
    const from = 2 + (payloads.length - 1) * (1 + skipped);
    expect(send(assembler, [nal(9)], from, 2_000)).toEqual([{ timestamp: 2_000, nals: [nal(9)] }]);
  });
});

describe('AAC over RTP', () => {
  const layout = { sizeBits: 13, indexBits: 3 };

  it('is the same after wrapping and splitting', () => {
    const frame = Buffer.alloc(371, 3);
    expect(splitAacPayload(wrapAacFrame(frame), layout)).toEqual([frame]);
  });

  it('holds several frames', () => {
    const payload = Buffer.from('0020' + '0010' + '0008' + 'aabb' + 'cc', 'hex');
    expect(splitAacPayload(payload, layout).map((frame) => frame.toString('hex'))).toEqual(['aabb', 'cc']);
  });

  it.each([
    ['nothing', '', layout],
    ['a torn frame', '00100100aa', layout],
    ['headers that do not add up', '00110010aabb', layout],
    ['a layout of no bits', '00100010aabb', { sizeBits: 0, indexBits: 0 }],
  ])('takes nothing out of %s', (_name, hex, one) => {
    expect(splitAacPayload(Buffer.from(hex, 'hex'), one)).toEqual([]);
  });
});
