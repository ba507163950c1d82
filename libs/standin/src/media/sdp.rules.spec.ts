import { parseAacConfig } from './aac.rules';
import { formatSdp, offeredTracks, parseSdp } from './sdp.rules';

const sps = Buffer.from('Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==', 'base64');
const pps = Buffer.from('aM4PyA==', 'base64');
const aac = parseAacConfig(Buffer.from('1208', 'hex'));

describe('session descriptions', () => {
  it('are understood as we write them', () => {
    const medias = parseSdp(formatSdp(offeredTracks({ hasVideo: true, avc: { sps, pps }, aac })));
    expect(medias).toEqual([
      { codec: 'H264', control: 'trackID=0', payloadType: 96, clockRate: 90_000, config: { sps, pps } },
      {
        codec: 'AAC',
        control: 'trackID=1',
        payloadType: 97,
        clockRate: 44_100,
        config: aac,
        layout: { sizeBits: 13, indexBits: 3 },
      },
    ]);
  });

  it('may come without parameter sets', () => {
    const [track] =
      parseSdp(formatSdp(offeredTracks({ hasVideo: true, avc: undefined, aac: undefined }))) ?? [];
    expect(track).toMatchObject({ codec: 'H264', config: undefined });
  });

  it.each([
    ['another codec', 'v=0\r\nm=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\n'],
    ['a static payload type', 'v=0\r\nm=audio 0 RTP/AVP 0\r\n'],
    ['AAC without a configuration', 'v=0\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/44100/2\r\n'],
    ['a clock that stands', 'v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/0\r\n'],
  ])('with %s announce something that we do not relay', (_name, text) => {
    expect(parseSdp(text)).toMatchObject([{ codec: 'other' }]);
  });

  it.each(['', 'hello', 'v=0\r\n', 'v=1\r\nm=video 0 RTP/AVP 96\r\n'])('%j is none', (text) => {
    expect(parseSdp(text)).toBeUndefined();
  });
});
