import { parseAacConfig } from './aac.rules';
import { buildAvcRecord, joinNals, levelName, parseAvcRecord, profileName, splitNals } from './avc.rules';
import {
  aacConfigOf,
  aacFrameOf,
  aacHeaderPacket,
  aacPacket,
  avcConfigOf,
  avcHeaderPacket,
  avcPacket,
  flvFileHeader,
  flvTag,
  nalsOf,
  ptsMsOf,
  readTag,
} from './flv.rules';

const sps = Buffer.from('Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==', 'base64');
const pps = Buffer.from('aM4PyA==', 'base64');

describe('NAL units', () => {
  it('are the same after joining and splitting', () => {
    const nals = [sps, pps, Buffer.alloc(70_000, 7)];
    expect(splitNals(joinNals(nals))).toEqual(nals);
  });

  it.each([
    ['nothing', Buffer.alloc(0), 0],
    ['half a length', Buffer.from([0, 0]), 0],
    ['a length beyond the end', Buffer.from([0xff, 0xff, 0xff, 0xff, 1]), 0],
    ['empty units', Buffer.alloc(12), 0],
    ['a whole unit and a torn one', Buffer.from([0, 0, 0, 1, 9, 0, 0, 0, 5, 1]), 1],
  ])('split %s', (_name, data, count) => {
    expect(splitNals(data)).toHaveLength(count);
  });
});

describe('the AVC decoder record', () => {
  it('is the same after building and parsing', () => {
    expect(parseAvcRecord(buildAvcRecord({ sps, pps }))).toEqual({ sps, pps });
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(40)],
    ['of another version', Buffer.concat([Buffer.from([2]), buildAvcRecord({ sps, pps }).subarray(1)])],
    ['cut in the SPS', buildAvcRecord({ sps, pps }).subarray(0, 12)],
    ['cut in the PPS', buildAvcRecord({ sps, pps }).subarray(0, -1)],
    [
      'with short lengths',
      Buffer.concat([Buffer.from([1, 66, 0, 12, 0xfc]), buildAvcRecord({ sps, pps }).subarray(5)]),
    ],
  ])('%s is none', (_name, record) => {
    expect(parseAvcRecord(record)).toBeUndefined();
  });

  it('tells profile and level as MediaMTX does', () => {
    expect([profileName(sps), levelName(sps)]).toEqual(['Baseline', '1.2']);
    expect([
      profileName(Buffer.from([0x67, 100, 0, 30])),
      levelName(Buffer.from([0x67, 100, 0, 30])),
    ]).toEqual(['High', '3']);
    expect(profileName(Buffer.from([0x67, 99, 0, 30]))).toBe('99');
  });
});

describe('parseAacConfig', () => {
  it.each([
    ['1208', { objectType: 2, sampleRate: 44_100, channelCount: 1 }],
    ['1190', { objectType: 2, sampleRate: 48_000, channelCount: 2 }],
    ['1190 5600', { objectType: 2, sampleRate: 48_000, channelCount: 2 }],
  ])('reads %s', (hex, expected) => {
    expect(parseAacConfig(Buffer.from(hex.replace(' ', ''), 'hex'))).toMatchObject(expected);
  });

  it.each(['', '12', '0000', '1780', 'ffff'])('does not take %j', (hex) => {
    expect(parseAacConfig(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});

describe('readTag', () => {
  it('knows its own packets', () => {
    const key = avcPacket({ nals: [pps], key: true, dtsMs: 40, ptsMs: 20 });
    for (const packet of [avcHeaderPacket({ sps, pps }, 0), key]) {
      expect(readTag(9, packet.dtsMs, packet.body)).toEqual(packet);
    }
    for (const packet of [
      aacHeaderPacket(Buffer.from([0x12, 0x08]), 0),
      aacPacket(Buffer.from([1, 2]), 23),
    ]) {
      expect(readTag(8, packet.dtsMs, packet.body)).toEqual(packet);
    }
    expect(avcConfigOf(avcHeaderPacket({ sps, pps }, 0))).toEqual({ sps, pps });
    expect(aacConfigOf(aacHeaderPacket(Buffer.from([0x12, 0x08]), 0))?.sampleRate).toBe(44_100);
    expect([nalsOf(key), ptsMsOf(key)]).toEqual([[pps], 20]);
    expect(aacFrameOf(aacPacket(Buffer.from([1, 2]), 23))).toEqual(Buffer.from([1, 2]));
  });

  it.each([
    ['empty video', 9, ''],
    ['short video', 9, '170000'],
    ['H.263', 9, '1200000000'],
    ['enhanced RTMP', 9, '9068766331'],
    ['an end of sequence', 9, '1702000000'],
    ['empty audio', 8, ''],
    ['MP3', 8, '2fff'],
    ['an unknown type', 15, 'af01'],
  ])('leaves out %s', (_name, type, hex) => {
    expect(readTag(type, 0, Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});

describe('FLV', () => {
  it.each([
    [true, true, 5],
    [true, false, 4],
    [false, true, 1],
  ])('says in its header: audio %s, video %s', (audio, video, flags) => {
    expect(flvFileHeader({ audio, video })[4]).toBe(flags);
  });

  it('writes a time of more than 24 bits', () => {
    const tag = flvTag({
      kind: 'audio',
      header: false,
      key: false,
      dtsMs: 0x12345678,
      body: Buffer.from([1]),
    });
    expect(tag.toString('hex')).toBe('0800000134567812000000' + '01' + '0000000c');
  });
});
