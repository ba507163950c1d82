import type { StreamCause } from '@rovercast/contracts';
import type { CameraSource } from '../settings/cameras.rules';
import { causeOf, detailOf } from './cause.rules';

const TEST: CameraSource = { kind: 'test' };
const V4L2: CameraSource = { kind: 'v4l2', device: '/dev/video9' };
const RTSP: CameraSource = { kind: 'rtsp', url: 'rtsp://u:p@10.0.0.9:554/main?x=1' };

/** Last words as ffmpeg 4.1 and 5.1, GStreamer 1.22 and MediaMTX v1.20.1 made them, scrubbed. */
const endings: [StreamCause, CameraSource, string][] = [
  [
    'ingest_refused',
    TEST,
    'Could not write header for output file #0 (incorrect codec parameters ?): Server returned 401 Unauthorized (authorization failed)',
  ],
  ['ingest_refused', TEST, '[rtmp @ 0x55] Server error: authentication failed'],
  ['ingest_refused', TEST, 'rtmp://h/robots/r2?token=***: Operation not permitted'],
  [
    'ingest_refused',
    TEST,
    'SRT.cn: processAsyncConnectRequest: REJECT reported from HS processing: Peer rejected connection',
  ],
  [
    'ingest_refused',
    TEST,
    'ERROR: from element /GstPipeline:pipeline0/GstRTSPClientSink:rtspclientsink0: Unauthorized',
  ],
  [
    'ingest_unreachable',
    TEST,
    '[tcp @ 0x56] Connection to tcp://127.0.0.1:1?timeout=0 failed: Connection refused',
  ],
  [
    'ingest_unreachable',
    TEST,
    '[tcp @ 0x56] Failed to resolve hostname nosuchhost.invalid: Name or service not known',
  ],
  ['ingest_unreachable', TEST, 'srt://127.0.0.1:1?streamid=publish:x:***: Input/output error'],
  ['ingest_unreachable', TEST, 'av_interleaved_write_frame(): Broken pipe'],
  ['ingest_unreachable', TEST, 'getaddrinfo ENOTFOUND media.example.org'],
  [
    'ingest_unreachable',
    TEST,
    'ERROR: from element /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0: Connection refused: Could not connect',
  ],
  [
    'ingest_unreachable',
    TEST,
    'ERROR: from element /GstPipeline:pipeline0/GstSRTSink:srtsink0: Failed to write to SRT socket',
  ],
  [
    'ingest_unreachable',
    TEST,
    'ERROR: from element /GstPipeline:pipeline0/GstRTSPClientSink:rtspclientsink0: Could not open resource for reading and writing.',
  ],
  [
    'camera_error',
    V4L2,
    '[video4linux2,v4l2 @ 0x55] Cannot open video device /dev/video9: No such file or directory',
  ],
  [
    'camera_error',
    V4L2,
    "ERROR: from element /GstPipeline:pipeline0/GstV4l2Src:v4l2src0: Cannot identify device '/dev/video9'.",
  ],
  ['camera_error', { kind: 'file', path: '/nope.mp4' }, 'file:/nope.mp4: No such file or directory'],
  ['camera_error', RTSP, 'rtsp://***@10.0.0.9:554/main?x=1: Connection refused'],
  ['ingest_unreachable', RTSP, 'rtsp://10.0.0.9:554/robots/r1: Connection refused'],
  ['encoder_error', TEST, 'Unknown encoder libx264'],
  ['encoder_error', V4L2, ''],
];

describe('causeOf', () => {
  it.each(endings)('%s: %j: %s', (cause, source, line) => {
    expect(causeOf({ lines: [line], source })).toBe(cause);
  });

  it('takes a stand-still of a real camera for the camera, and of the test picture for the encoder', () => {
    const lines = ['no frame for 10000 ms'];
    expect(causeOf({ lines, source: V4L2, stalled: true })).toBe('camera_error');
    expect(causeOf({ lines, source: TEST, stalled: true })).toBe('encoder_error');
  });
});

describe('detailOf', () => {
  it('keeps the last three words that are not chatter', () => {
    expect(detailOf(['a', 'b', 'c', 'Setting pipeline to NULL ...', 'd', 'Freeing pipeline ...'])).toBe(
      'b | c | d',
    );
    expect(detailOf([])).toBeUndefined();
  });
});
