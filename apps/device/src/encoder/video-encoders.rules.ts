import type { StreamProfile } from '@rovercast/contracts';

/** Seconds from one key frame to the next: what a new viewer waits at most. */
const KEY_FRAME_SECONDS = 1;

/** H.264 encoders of ffmpeg that we know how to drive: hardware first, then what every processor can do. */
export const FFMPEG_VIDEO_ENCODERS = [
  'h264_nvenc',
  'h264_v4l2m2m',
  'h264_vaapi',
  'libx264',
  'libopenh264',
] as const;
export type FfmpegVideoEncoder = (typeof FFMPEG_VIDEO_ENCODERS)[number];

/** The same for GStreamer elements; `nvv4l2h264enc` is the Jetson's, `v4l2h264enc` the Raspberry Pi's. */
export const GSTREAMER_VIDEO_ENCODERS = [
  'nvv4l2h264enc',
  'v4l2h264enc',
  'vaapih264enc',
  'x264enc',
  'openh264enc',
] as const;
export type GstreamerVideoEncoder = (typeof GSTREAMER_VIDEO_ENCODERS)[number];

const SOFTWARE = new Set<string>(['libx264', 'libopenh264', 'x264enc', 'openh264enc']);

export const isHardware = (name: FfmpegVideoEncoder | GstreamerVideoEncoder): boolean => !SOFTWARE.has(name);

const VAAPI_DEVICE = '/dev/dri/renderD128';

/** Global options, which go before the input. */
export const ffmpegEncoderSetup = (encoder: FfmpegVideoEncoder): string[] =>
  encoder === 'h264_vaapi' ? ['-vaapi_device', VAAPI_DEVICE] : [];

/** The end of the filter chain: what the encoder takes. */
export const ffmpegEncoderFormat = (encoder: FfmpegVideoEncoder): string =>
  encoder === 'h264_vaapi' ? 'format=nv12,hwupload' : 'format=yuv420p';

/** One H.264 stream without B-frames, a key frame every second, SPS and PPS in band. */
export function ffmpegCodec(encoder: FfmpegVideoEncoder, { fps, bitrateKbps }: StreamProfile): string[] {
  const rate = ['-b:v', `${bitrateKbps}k`, '-maxrate', `${bitrateKbps}k`, '-bufsize', `${bitrateKbps}k`];
  const group = ['-g', `${fps * KEY_FRAME_SECONDS}`, '-bf', '0', '-bsf:v', 'dump_extra=freq=keyframe'];
  return ['-c:v', encoder, ...ffmpegSpeed(encoder), ...rate, ...group];
}

function ffmpegSpeed(encoder: FfmpegVideoEncoder): string[] {
  switch (encoder) {
    case 'libx264':
      return [
        ...['-preset', 'veryfast', '-tune', 'zerolatency'],
        ...['-profile:v', 'baseline', '-sc_threshold', '0'],
      ];
    case 'h264_nvenc':
      return ['-preset', 'p1', '-tune', 'ull', '-rc', 'cbr', '-profile:v', 'baseline', '-forced-idr', '1'];
    case 'h264_vaapi':
      return ['-profile:v', 'constrained_baseline'];
    case 'libopenh264':
    case 'h264_v4l2m2m':
      return [];
  }
}

/** From raw I420 to H.264: converter, encoder and the caps behind it. */
export function gstreamerCodec(
  encoder: GstreamerVideoEncoder,
  { fps, bitrateKbps }: StreamProfile,
): string[] {
  const frames = fps * KEY_FRAME_SECONDS;
  const bitsPerSecond = bitrateKbps * 1000;
  switch (encoder) {
    case 'x264enc':
      return [
        ...['x264enc', 'tune=zerolatency', 'speed-preset=veryfast', `bitrate=${bitrateKbps}`],
        ...[`key-int-max=${frames}`, 'bframes=0', '!', 'video/x-h264,profile=baseline'],
      ];
    case 'openh264enc':
      return [
        ...['openh264enc', `bitrate=${bitsPerSecond}`, `gop-size=${frames}`, 'complexity=low'],
        ...['!', 'video/x-h264,profile=constrained-baseline'],
      ];
    case 'nvv4l2h264enc':
      return [
        ...['nvvidconv', '!', 'video/x-raw(memory:NVMM),format=NV12', '!', 'nvv4l2h264enc'],
        ...[`bitrate=${bitsPerSecond}`, `iframeinterval=${frames}`, `idrinterval=${frames}`],
        ...['insert-sps-pps=true', 'maxperf-enable=true', '!', 'video/x-h264'],
      ];
    case 'v4l2h264enc': {
      const controls = `controls,video_bitrate=${bitsPerSecond},h264_i_frame_period=${frames},repeat_sequence_header=1`;
      return [
        'v4l2h264enc',
        `extra-controls=${controls}`,
        '!',
        'video/x-h264,profile=baseline,level=(string)4',
      ];
    }
    case 'vaapih264enc':
      return [
        ...['vaapih264enc', `bitrate=${bitrateKbps}`, `keyframe-period=${frames}`, 'max-bframes=0'],
        ...['rate-control=cbr', '!', 'video/x-h264,profile=constrained-baseline'],
      ];
  }
}

const TRIAL: StreamProfile = { width: 640, height: 360, fps: 30, bitrateKbps: 800 };

/** Encodes one second of a test picture into nothing; exit code 0 proves that the encoder works on this machine. */
export const ffmpegTrial = (encoder: FfmpegVideoEncoder): string[] => [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...ffmpegEncoderSetup(encoder)],
  ...['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30:duration=1', '-vf', ffmpegEncoderFormat(encoder)],
  ...[...ffmpegCodec(encoder, TRIAL), '-f', 'null', '-'],
];

export const gstreamerTrial = (encoder: GstreamerVideoEncoder): string[] => [
  ...[
    '-q',
    'videotestsrc',
    'num-buffers=30',
    '!',
    'video/x-raw,format=I420,width=640,height=360,framerate=30/1',
  ],
  ...['!', ...gstreamerCodec(encoder, TRIAL), '!', 'fakesink'],
];
