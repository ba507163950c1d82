import { MediaStream } from '../hub/media-stream';
import { ptsMsOf } from '../media/flv.rules';
import type { MediaPacket } from '../media/packet';
import { buildRtp } from '../media/rtp.rules';
import { parseSdp } from '../media/sdp.rules';
import { IngestTrack } from './rtsp-ingest';

const SDP = `v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n`;
const PARAMETERS = ['Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==', 'aM4PyA=='];
const [media] = parseSdp(`${SDP}a=fmtp:96 sprop-parameter-sets=${PARAMETERS.join(',')}\r\n`) ?? [];

function ingestOf(timesMs: number[], startTimestamp = 0): { pictures: MediaPacket[]; track: IngestTrack } {
  const pictures: MediaPacket[] = [];
  const stream = new MediaStream();
  if (!media) throw new Error('no media');
  const track = new IngestTrack(media, stream, () => 0);
  stream.attach({ send: (packet) => void (packet.header || pictures.push(packet)) });
  timesMs.forEach((timeMs, sequence) => {
    const payload = Buffer.from([sequence === 0 ? 0x65 : 0x41, 1]);
    const timestamp = (startTimestamp + timeMs * 90) >>> 0;
    track.take(buildRtp({ payloadType: 96, marker: true, sequence, timestamp, ssrc: 1, payload }));
  });
  return { pictures, track };
}

describe('an announced H.264 track', () => {
  it('keeps the times of pictures that come in order, across the end of the clock', () => {
    const { pictures } = ingestOf([0, 40, 80, 120], 0xffffff00);
    expect(pictures.map(({ dtsMs }) => dtsMs)).toEqual([0, 40, 80, 120]);
    expect(pictures.map(ptsMsOf)).toEqual([0, 40, 80, 120]);
  });

  it('decodes B pictures in the order they came, each before it is shown once that is known', () => {
    const { pictures } = ingestOf([0, 120, 40, 80, 240, 160, 200, 360, 280, 320]);
    const dts = pictures.map(({ dtsMs }) => dtsMs);
    expect(pictures.map(ptsMsOf)).toEqual([0, 120, 40, 80, 240, 160, 200, 360, 280, 320]);
    expect(dts).toEqual([...dts].sort((a, b) => a - b));
    expect(new Set(dts).size).toBe(dts.length);
    expect(pictures.slice(4).every((picture) => ptsMsOf(picture) >= picture.dtsMs)).toBe(true);
  });

  it('counts packets, losses and what is no RTP', () => {
    const { track } = ingestOf([0, 40]);
    track.take(
      buildRtp({
        payloadType: 96,
        marker: true,
        sequence: 5,
        timestamp: 9,
        ssrc: 1,
        payload: Buffer.from([0x41]),
      }),
    );
    track.take(Buffer.from('garbage'));
    expect(track.stats).toMatchObject({ packets: 3, lost: 3, inError: 1 });
  });
});
