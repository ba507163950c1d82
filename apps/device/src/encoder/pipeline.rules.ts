import { DomainError, type PublishProtocol, type StreamProfile } from '@rovercast/contracts';
import type { CameraSource } from '../settings/cameras.rules';

export type Backend = 'ffmpeg' | 'gstreamer';

/** Where a pipeline publishes; the credentials are already in the URL. */
export interface Target {
  protocol: PublishProtocol;
  url: string;
}

/** H.264 encoders of ffmpeg that we know how to drive, best first. */
export const FFMPEG_VIDEO_ENCODERS = ['libx264', 'libopenh264', 'h264_v4l2m2m'] as const;
export type FfmpegVideoEncoder = (typeof FFMPEG_VIDEO_ENCODERS)[number];

const SCHEMES: Record<PublishProtocol, string[]> = {
  rtsp: ['rtsp:', 'rtsps:'],
  rtmp: ['rtmp:', 'rtmps:'],
  srt: ['srt:'],
};

/** Seconds from one key frame to the next: what a new viewer waits at most. */
const KEY_FRAME_SECONDS = 1;

/** What tickets are made of; the same in a URL's query and in an SRT stream id. */
const TICKET = /^[A-Za-z0-9._~-]+$/;
const STREAM_ID = /^[A-Za-z0-9._~:=/-]{1,500}$/;

/** No space, quote, backslash, brace or exclamation mark, which gst-launch reads as syntax even inside one argument. */
const SAFE_VALUE = /^[A-Za-z0-9._~:/?#[\]@$&()*+,;=%-]+$/;

type Address = { url: string; protocol: PublishProtocol };

/**
 * The publish URL with the ticket where the media server looks for it: `?token=` in RTSP and RTMP, the stream id's query in SRT
 * (`publish:<path>:token=…`, MediaMTX v1.20.1).
 * @throws DomainError INVALID_INPUT when scheme and protocol disagree, or the ticket could not stand in a URL as it is
 */
export function publishTarget(ingest: Address & { token: string }): Target {
  if (!TICKET.test(ingest.token)) throw badIngest('ingest.token holds characters that no ticket has');
  const query = `token=${ingest.token}`;
  if (ingest.protocol === 'srt') return srtTarget(checkedUrl(ingest), query);
  const target = checkedUrl(ingest);
  target.search = target.search ? `${target.search}&${query}` : query;
  return { protocol: ingest.protocol, url: target.href };
}

/** The same for a login in place of a ticket: user-info in RTSP, `user=&pass=` in RTMP, `:user:pass` in SRT. */
export function publishTargetFor(address: Address, { user, pass }: { user: string; pass: string }): Target {
  const target = checkedUrl(address);
  const { protocol } = address;
  if (protocol === 'srt') return srtTarget(target, `${user}:${pass}`);
  if (protocol === 'rtsp')
    Object.assign(target, { username: encodeURIComponent(user), password: encodeURIComponent(pass) });
  else target.search = `user=${encodeURIComponent(user)}&pass=${encodeURIComponent(pass)}`;
  return { protocol, url: target.href };
}

/** ffmpeg hands the stream id on as it stands, and the server decodes nothing in it; so nothing in it may be encoded. */
function srtTarget(target: URL, rest: string): Target {
  const path = target.searchParams.get('streamid')?.split(':')[1] ?? target.pathname.replace(/^\//, '');
  if (!STREAM_ID.test(`${path}:${rest}`)) throw badIngest('ingest.url cannot be an SRT stream id');
  return { protocol: 'srt', url: `srt://${target.host}?streamid=publish:${path}:${rest}&pkt_size=1316` };
}

function checkedUrl({ url, protocol }: Address): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target && SCHEMES[protocol].includes(target.protocol) && target.hostname && SAFE_VALUE.test(url))
    return target;
  throw badIngest(`ingest.url is no ${protocol} URL`);
}

const badIngest = (message: string): DomainError =>
  new DomainError('INVALID_INPUT', message, { fields: [{ field: message.split(' ')[0], message }] });

/** Whether the backend can read such a camera. GStreamer has no way to play most files again and again. */
export function canRead(backend: Backend, { kind }: CameraSource): boolean {
  return backend === 'ffmpeg' ? kind !== 'libcamera' : kind !== 'file';
}

/**
 * ffmpeg's arguments: one H.264 stream without B-frames, a key frame every second with SPS and PPS in band, progress reports on
 * standard output. An array for `spawn`, never a shell's text; no value of ours can begin with a dash.
 */
export function ffmpegArguments(
  source: CameraSource,
  wanted: StreamProfile,
  target: Target,
  videoEncoder: FfmpegVideoEncoder = 'libx264',
): string[] {
  const profile = evenProfile(wanted);
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'warning', '-nostats', '-progress', 'pipe:1'],
    ...ffmpegInput(source, profile),
    ...['-map', '0:v:0', '-an', '-vf', ffmpegFilter(source, profile)],
    ...ffmpegCodec(videoEncoder, profile),
    ...ffmpegOutput(target),
  ];
}

function ffmpegInput(source: CameraSource, { width, height, fps }: StreamProfile): string[] {
  switch (source.kind) {
    case 'test':
      return ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${fps}`];
    case 'v4l2':
      return ['-f', 'v4l2', '-framerate', `${fps}`, '-video_size', `${width}x${height}`, '-i', source.device];
    case 'file':
      return ['-re', '-stream_loop', '-1', '-protocol_whitelist', 'file', '-i', `file:${source.path}`];
    case 'rtsp':
      return [
        '-rtsp_transport',
        'tcp',
        '-protocol_whitelist',
        'rtsp,rtp,tcp,tls,udp,crypto',
        '-i',
        source.url,
      ];
    case 'libcamera':
      throw new DomainError('INVALID_INPUT', 'ffmpeg cannot read libcamera cameras; GStreamer can');
  }
}

const ffmpegFilter = (source: CameraSource, { width, height, fps }: StreamProfile): string =>
  source.kind === 'test' ? 'format=yuv420p' : `fps=${fps},scale=${width}:${height},format=yuv420p`;

function ffmpegCodec(encoder: FfmpegVideoEncoder, { fps, bitrateKbps }: StreamProfile): string[] {
  const rate = ['-b:v', `${bitrateKbps}k`, '-maxrate', `${bitrateKbps}k`, '-bufsize', `${bitrateKbps}k`];
  const group = ['-g', `${fps * KEY_FRAME_SECONDS}`, '-bf', '0', '-bsf:v', 'dump_extra=freq=keyframe'];
  switch (encoder) {
    case 'libx264': {
      const speed = [
        '-preset',
        'veryfast',
        '-tune',
        'zerolatency',
        '-profile:v',
        'baseline',
        '-sc_threshold',
        '0',
      ];
      return ['-c:v', encoder, ...speed, ...rate, ...group];
    }
    case 'libopenh264':
    case 'h264_v4l2m2m':
      return ['-c:v', encoder, ...rate, ...group];
  }
}

function ffmpegOutput({ protocol, url }: Target): string[] {
  switch (protocol) {
    case 'rtsp':
      return ['-f', 'rtsp', '-rtsp_transport', 'tcp', url];
    case 'rtmp':
      return ['-f', 'flv', '-flvflags', 'no_duration_filesize', url];
    case 'srt':
      return ['-f', 'mpegts', url];
  }
}

/** gst-launch-1.0's arguments for the same stream; a progress line goes to standard output every second. */
export function gstreamerArguments(source: CameraSource, wanted: StreamProfile, target: Target): string[] {
  const profile = evenProfile(wanted);
  const { width, height, fps, bitrateKbps } = profile;
  const raw = `video/x-raw,format=I420,width=${width},height=${height},framerate=${fps}/1`;
  return [
    '-e',
    ...gstreamerSource(source),
    ...['!', 'videoconvert', '!', 'videoscale', '!', 'videorate', '!', raw],
    ...['!', 'progressreport', 'update-freq=1', 'do-query=false'],
    ...['!', 'x264enc', 'tune=zerolatency', 'speed-preset=veryfast', `bitrate=${bitrateKbps}`],
    ...[`key-int-max=${fps * KEY_FRAME_SECONDS}`, 'bframes=0'],
    ...['!', 'video/x-h264,profile=baseline', '!', 'h264parse', 'config-interval=-1'],
    ...gstreamerSink(target),
  ];
}

function gstreamerSource(source: CameraSource): string[] {
  switch (source.kind) {
    case 'test':
      return ['videotestsrc', 'is-live=true', 'pattern=ball'];
    case 'v4l2':
      return ['v4l2src', assigned('device', source.device)];
    case 'libcamera':
      return source.name ? ['libcamerasrc', assigned('camera-name', source.name)] : ['libcamerasrc'];
    case 'file':
      throw new DomainError('INVALID_INPUT', 'GStreamer cannot loop a file; ffmpeg can');
    case 'rtsp':
      return ['rtspsrc', assigned('location', source.url), 'protocols=tcp', 'latency=200', '!', 'decodebin'];
  }
}

function gstreamerSink({ protocol, url }: Target): string[] {
  switch (protocol) {
    case 'rtsp':
      return ['!', 'rtspclientsink', 'protocols=tcp', assigned('location', url)];
    case 'rtmp':
      return ['!', 'flvmux', 'streamable=true', '!', 'rtmp2sink', assigned('location', url)];
    case 'srt':
      return ['!', 'mpegtsmux', 'alignment=7', '!', 'srtsink', 'mode=caller', assigned('uri', url)];
  }
}

function assigned(property: string, value: string): string {
  if (SAFE_VALUE.test(value)) return `${property}=${value}`;
  throw new DomainError(
    'INVALID_INPUT',
    `the ${property} holds characters that GStreamer would read as syntax`,
  );
}

/** 4:2:0 needs even sides. */
const evenProfile = (profile: StreamProfile): StreamProfile => ({
  ...profile,
  width: profile.width - (profile.width % 2),
  height: profile.height - (profile.height % 2),
});
