import type { CameraSource } from '../settings/cameras.rules';
import {
  canRead,
  ffmpegArguments,
  gstreamerArguments,
  publishTarget,
  publishTargetFor,
} from './pipeline.rules';
import { FFMPEG_VIDEO_ENCODERS, GSTREAMER_VIDEO_ENCODERS } from './video-encoders.rules';

const PROFILE = { width: 640, height: 360, fps: 15, bitrateKbps: 800 };
const RTSP = { protocol: 'rtsp', url: 'rtsp://h:8554/robots/r1?token=t' } as const;
const TEST: CameraSource = { kind: 'test' };
const SOURCES: CameraSource[] = [
  TEST,
  { kind: 'v4l2', device: '/dev/video0' },
  { kind: 'libcamera' },
  { kind: 'libcamera', name: '/base/soc/i2c0mux/i2c@1/imx219@10' },
  { kind: 'file', path: '/srv/a b.mp4' },
  { kind: 'rtsp', url: 'rtsp://u:p@cam:554/main' },
];

const valueAfter = (args: string[], name: string): string => args[args.indexOf(name) + 1];

describe('publishTarget', () => {
  const token = 'v1.abc-DEF_~';

  it.each([
    ['rtsp', 'rtsp://h:8554/robots/r1', 'rtsp://h:8554/robots/r1?token=v1.abc-DEF_~'],
    ['rtsp', 'rtsps://h/robots/r1?x=1', 'rtsps://h/robots/r1?x=1&token=v1.abc-DEF_~'],
    ['rtmp', 'rtmp://h/robots/r1', 'rtmp://h/robots/r1?token=v1.abc-DEF_~'],
    [
      'srt',
      'srt://h:8890/robots/r1',
      'srt://h:8890?streamid=publish:robots/r1:token=v1.abc-DEF_~&pkt_size=1316',
    ],
    [
      'srt',
      'srt://h:8890?streamid=publish:robots/r1/front',
      'srt://h:8890?streamid=publish:robots/r1/front:token=v1.abc-DEF_~&pkt_size=1316',
    ],
  ] as const)('over %s to %s', (protocol, url, expected) => {
    expect(publishTarget({ url, protocol, token }).url).toBe(expected);
  });

  it.each([
    ['rtsp', 'rtmp://h/x'],
    ['rtmp', 'file:///etc/passwd'],
    ['rtsp', '-rtsp://h/x'],
    ['rtsp', 'rtsp:///x'],
    ['rtmp', "rtmp://h/x' ! filesink location=/etc/passwd"],
    ['rtsp', 'rtsp://h/x"y'],
    ['srt', 'srt://h:1/a b'],
    ['rtsp', 'concat:a|b'],
  ] as const)('refuses %s to %s, naming the field', (protocol, url) => {
    expect(() => publishTarget({ url, protocol, token })).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        fields: [expect.objectContaining({ field: 'ingest.url' })],
      }),
    );
  });

  it.each(['', 'a b', 'a&pass=x', 'a:b', 'a/../b', "a'b", 'a%20b'])('refuses the ticket %p', (bad) => {
    expect(() => publishTarget({ url: 'rtsp://h/x', protocol: 'rtsp', token: bad })).toThrow(/ingest.token/);
  });
});

describe('publishTargetFor', () => {
  it.each([
    ['rtsp', 'rtsp://h/x', 'rtsp://r1:p%40ss@h/x', 'p@ss'],
    ['rtmp', 'rtmp://h/x', 'rtmp://h/x?user=r1&pass=p%40ss', 'p@ss'],
    ['srt', 'srt://h:1/x', 'srt://h:1?streamid=publish:x:r1:pass&pkt_size=1316', 'pass'],
  ] as const)('over %s', (protocol, url, expected, pass) => {
    expect(publishTargetFor({ url, protocol }, { user: 'r1', pass }).url).toBe(expected);
  });
});

describe('ffmpegArguments', () => {
  it('makes a moving test picture', () => {
    expect(ffmpegArguments(TEST, PROFILE, RTSP)).toEqual([
      ...['-hide_banner', '-nostdin', '-loglevel', 'warning', '-nostats', '-progress', 'pipe:1'],
      ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=15'],
      ...['-map', '0:v:0', '-an', '-vf', 'format=yuv420p'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
      ...['-sc_threshold', '0', '-b:v', '800k', '-maxrate', '800k', '-bufsize', '800k'],
      ...['-g', '15', '-bf', '0', '-bsf:v', 'dump_extra=freq=keyframe'],
      ...['-f', 'rtsp', '-rtsp_transport', 'tcp', 'rtsp://h:8554/robots/r1?token=t'],
    ]);
  });

  it.each(SOURCES.filter((source) => canRead('ffmpeg', source)))(
    'reads %j with nothing but its own words',
    (source) => {
      const args = ffmpegArguments(source, PROFILE, RTSP);
      const input = valueAfter(args, '-i');
      expect(input).not.toMatch(/^-/);
      expect(args.every((arg) => typeof arg === 'string' && arg.length > 0)).toBe(true);
    },
  );

  it('lets files and cameras open no other protocol', () => {
    const file = ffmpegArguments({ kind: 'file', path: '-i' }, PROFILE, RTSP);
    expect(valueAfter(file, '-protocol_whitelist')).toBe('file');
    expect(valueAfter(file, '-i')).toBe('file:-i');
    const camera = ffmpegArguments({ kind: 'rtsp', url: 'rtsp://cam/x' }, PROFILE, RTSP);
    expect(valueAfter(camera, '-protocol_whitelist')).not.toMatch(/file|http|concat/);
  });

  it.each([
    ['rtmp', 'rtmp://h/x', ['-f', 'flv', '-flvflags', 'no_duration_filesize', 'rtmp://h/x']],
    ['srt', 'srt://h:1', ['-f', 'mpegts', 'srt://h:1']],
  ] as const)('publishes over %s', (protocol, url, expected) => {
    expect(ffmpegArguments(TEST, PROFILE, { protocol, url }).slice(-expected.length)).toEqual(expected);
  });

  it('makes odd sides even, as 4:2:0 needs', () => {
    const args = ffmpegArguments(TEST, { ...PROFILE, width: 641, height: 361 }, RTSP);
    expect(valueAfter(args, '-i')).toBe('testsrc2=size=640x360:rate=15');
  });

  it('refuses libcamera', () => {
    expect(canRead('ffmpeg', { kind: 'libcamera' })).toBe(false);
    expect(() => ffmpegArguments({ kind: 'libcamera' }, PROFILE, RTSP)).toThrow(/GStreamer/);
  });
});

describe('gstreamerArguments', () => {
  it('makes a ball that moves', () => {
    expect(gstreamerArguments(TEST, PROFILE, RTSP).join(' ')).toBe(
      '-e videotestsrc is-live=true pattern=ball ! videoconvert ! videoscale ! videorate' +
        ' ! video/x-raw,format=I420,width=640,height=360,framerate=15/1 ! progressreport update-freq=1 do-query=false' +
        ' ! x264enc tune=zerolatency speed-preset=veryfast bitrate=800 key-int-max=15 bframes=0' +
        ' ! video/x-h264,profile=baseline ! h264parse config-interval=-1' +
        ' ! rtspclientsink protocols=tcp location=rtsp://h:8554/robots/r1?token=t',
    );
  });

  it.each([
    ['rtmp', 'rtmp2sink location=rtmp://h/x'],
    ['srt', 'srtsink mode=caller uri=srt://h/x'],
  ] as const)('publishes over %s', (protocol, expected) => {
    expect(gstreamerArguments(TEST, PROFILE, { protocol, url: `${protocol}://h/x` }).join(' ')).toContain(
      expected,
    );
  });

  it('refuses files, which it cannot loop, and values that it would read as syntax', () => {
    expect(canRead('gstreamer', { kind: 'file', path: '/x.mp4' })).toBe(false);
    expect(() => gstreamerArguments({ kind: 'file', path: '/x.mp4' }, PROFILE, RTSP)).toThrow(/ffmpeg/);
    const camera: CameraSource = { kind: 'rtsp', url: 'rtsp://cam/x ! filesink location=/etc/passwd' };
    expect(() => gstreamerArguments(camera, PROFILE, RTSP)).toThrow(/syntax/);
  });

  it.each(SOURCES.filter(({ kind }) => kind !== 'file'))(
    'has no argument of ours that begins with a dash: %j',
    (source) => {
      const [flag, ...rest] = gstreamerArguments(source, PROFILE, RTSP);
      expect(flag).toBe('-e');
      expect(rest.filter((arg) => arg.startsWith('-'))).toEqual([]);
    },
  );
});

describe('video encoders', () => {
  const profile = { width: 640, height: 360, fps: 15, bitrateKbps: 800 };
  const target = { protocol: 'rtsp' as const, url: 'rtsp://h/x' };

  it.each(FFMPEG_VIDEO_ENCODERS)('%s makes a key frame every second without B-frames', (videoEncoder) => {
    const text = ffmpegArguments({ kind: 'test' }, profile, target, { videoEncoder }).join(' ');
    expect(text).toContain(`-c:v ${videoEncoder}`);
    expect(text).toContain('-g 15 -bf 0');
  });

  it.each(GSTREAMER_VIDEO_ENCODERS)('%s stands in the pipeline', (videoEncoder) => {
    const args = gstreamerArguments({ kind: 'test' }, profile, target, videoEncoder);
    expect(args).toContain(videoEncoder);
    expect(args.join(' ')).not.toMatch(/[;|`$\\]/);
  });

  it('reads a Jetson camera with GStreamer alone', () => {
    expect(gstreamerArguments({ kind: 'argus', sensor: 1 }, profile, target).join(' ')).toContain(
      'nvarguscamerasrc sensor-id=1',
    );
    expect(() => ffmpegArguments({ kind: 'argus', sensor: 0 }, profile, target)).toThrow(/argus/);
  });

  it('leaves the newest picture of a camera that nobody else can open', () => {
    const source = { kind: 'v4l2' as const, device: '/dev/video0' };
    const args = ffmpegArguments(source, profile, target, { stillFile: '/dev/shm/x/main.jpg' });
    expect(args.slice(args.indexOf('rtsp://h/x') + 1).join(' ')).toBe(
      '-map 0:v:0 -an -vf fps=1 -c:v mjpeg -q:v 6 -f image2 -update 1 -atomic_writing 1 -y /dev/shm/x/main.jpg',
    );
  });
});

describe('bare RTP', () => {
  const profile = { width: 640, height: 360, fps: 15, bitrateKbps: 800 };
  const target = publishTarget({ url: 'rtp://192.0.2.1:5004', protocol: 'rtp', token: 'secret' });

  it('carries no ticket', () => {
    expect(target).toEqual({ protocol: 'rtp', url: 'rtp://192.0.2.1:5004' });
  });

  it('needs a port', () => {
    expect(() => publishTarget({ url: 'rtp://192.0.2.1', protocol: 'rtp', token: 't' })).toThrow(/port/);
  });

  it('goes out with payload type 96 and parameter sets in band', () => {
    expect(ffmpegArguments({ kind: 'test' }, profile, target).slice(-5)).toEqual([
      ...['-f', 'rtp', '-payload_type', '96', 'rtp://192.0.2.1:5004?pkt_size=1200'],
    ]);
    expect(gstreamerArguments({ kind: 'test' }, profile, target).slice(-9)).toEqual([
      ...['!', 'rtph264pay', 'config-interval=1', 'pt=96', 'mtu=1200'],
      ...['!', 'udpsink', 'host=192.0.2.1', 'port=5004'],
    ]);
  });
});
