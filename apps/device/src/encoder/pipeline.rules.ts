import { DomainError, type PublishProtocol, type StreamProfile } from '@rovercast/contracts';
import type { CameraSource } from '../settings/cameras.rules';
import {
  ffmpegCodec,
  ffmpegEncoderFormat,
  ffmpegEncoderSetup,
  gstreamerCodec,
  type FfmpegVideoEncoder,
  type GstreamerVideoEncoder,
} from './video-encoders.rules';

export type Backend = 'ffmpeg' | 'gstreamer';

/** Where a pipeline publishes; the credentials are already in the URL. */
export interface Target {
  protocol: PublishProtocol;
  url: string;
}

const SCHEMES: Record<PublishProtocol, string[]> = {
  rtsp: ['rtsp:', 'rtsps:'],
  rtmp: ['rtmp:', 'rtmps:'],
  srt: ['srt:'],
  rtp: ['rtp:'],
};

/** First dynamic type (RFC 3551); the relay's SDP names the same. */
const RTP_PAYLOAD_TYPE = 96;
/** Below the smallest path MTU that tunnels and mobile links leave. */
const RTP_PACKET_BYTES = 1200;

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
  if (ingest.protocol === 'rtp') return rtpTarget(checkedUrl(ingest));
  const target = checkedUrl(ingest);
  target.search = target.search ? `${target.search}&${query}` : query;
  return { protocol: ingest.protocol, url: target.href };
}

/** The same for a login in place of a ticket: user-info in RTSP, `user=&pass=` in RTMP, `:user:pass` in SRT. */
export function publishTargetFor(address: Address, { user, pass }: { user: string; pass: string }): Target {
  const target = checkedUrl(address);
  const { protocol } = address;
  if (protocol === 'srt') return srtTarget(target, `${user}:${pass}`);
  if (protocol === 'rtp') return rtpTarget(target);
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

/** Datagrams carry no ticket: the relay that listens on this port holds it, and lets in one robot per port. */
function rtpTarget({ hostname, port }: URL): Target {
  if (!port) throw badIngest('ingest.url names no port');
  return { protocol: 'rtp', url: `rtp://${hostname}:${port}` };
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
  return backend === 'ffmpeg' ? kind !== 'libcamera' && kind !== 'argus' : kind !== 'file';
}

interface FfmpegChoices {
  videoEncoder?: FfmpegVideoEncoder;
  /** Where to leave the newest picture as JPEG, once a second: for cameras that nobody else can open meanwhile. */
  stillFile?: string;
  /** Tell progress five times a second instead of twice. */
  quickProgress?: boolean;
}

/** Whether only one process can read the camera at a time. */
export const isExclusive = ({ kind }: CameraSource): boolean =>
  kind === 'v4l2' || kind === 'libcamera' || kind === 'argus';

/**
 * ffmpeg's arguments: one H.264 stream without B-frames, a key frame every second with SPS and PPS in band, progress reports on
 * standard output. An array for `spawn`, never a shell's text; no value of ours can begin with a dash.
 */
export function ffmpegArguments(
  source: CameraSource,
  wanted: StreamProfile,
  target: Target,
  { videoEncoder = 'libx264', stillFile, quickProgress }: FfmpegChoices = {},
): string[] {
  const profile = evenProfile(wanted);
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'warning', '-nostats', '-progress', 'pipe:1'],
    ...(quickProgress ? ['-stats_period', '0.2'] : []),
    ...ffmpegEncoderSetup(videoEncoder),
    ...ffmpegInput(source, profile),
    ...['-map', '0:v:0', '-an', '-vf', ffmpegFilter(source, profile, videoEncoder)],
    ...ffmpegCodec(videoEncoder, profile),
    ...ffmpegOutput(target),
    ...(stillFile ? ffmpegStill(stillFile) : []),
  ];
}

/** How to open a camera for a few frames, at the size that it gives by itself and as fast as it gives them. */
export function ffmpegGlance(source: CameraSource): string[] {
  switch (source.kind) {
    case 'v4l2':
      return ['-f', 'v4l2', '-i', source.device];
    case 'file':
      return ['-protocol_whitelist', 'file', '-i', `file:${source.path}`];
    case 'test':
      return ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=15'];
    case 'rtsp':
    case 'libcamera':
    case 'argus':
      return ffmpegInput(source, { width: 0, height: 0, fps: 0, bitrateKbps: 0 });
  }
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
    case 'argus':
      throw new DomainError('INVALID_INPUT', `ffmpeg cannot read ${source.kind} cameras; GStreamer can`);
  }
}

function ffmpegFilter(
  source: CameraSource,
  { width, height, fps }: StreamProfile,
  encoder: FfmpegVideoEncoder,
): string {
  const format = ffmpegEncoderFormat(encoder);
  return source.kind === 'test' ? format : `fps=${fps},scale=${width}:${height},${format}`;
}

const ffmpegStill = (file: string): string[] => [
  ...['-map', '0:v:0', '-an', '-vf', 'fps=1', '-c:v', 'mjpeg', '-q:v', '6'],
  ...['-f', 'image2', '-update', '1', '-atomic_writing', '1', '-y', file],
];

function ffmpegOutput({ protocol, url }: Target): string[] {
  switch (protocol) {
    case 'rtsp':
      return ['-f', 'rtsp', '-rtsp_transport', 'tcp', url];
    case 'rtmp':
      return ['-f', 'flv', '-flvflags', 'no_duration_filesize', url];
    case 'srt':
      return ['-f', 'mpegts', url];
    case 'rtp':
      return ['-f', 'rtp', '-payload_type', `${RTP_PAYLOAD_TYPE}`, `${url}?pkt_size=${RTP_PACKET_BYTES}`];
  }
}

/** gst-launch-1.0's arguments for the same stream; a progress line goes to standard output every second. */
export function gstreamerArguments(
  source: CameraSource,
  wanted: StreamProfile,
  target: Target,
  videoEncoder: GstreamerVideoEncoder = 'x264enc',
): string[] {
  const profile = evenProfile(wanted);
  const { width, height, fps } = profile;
  const raw = `video/x-raw,format=I420,width=${width},height=${height},framerate=${fps}/1`;
  return [
    '-e',
    ...gstreamerSource(source),
    ...['!', 'videoconvert', '!', 'videoscale', '!', 'videorate', '!', raw],
    ...['!', 'progressreport', 'update-freq=1', 'do-query=false'],
    ...['!', ...gstreamerCodec(videoEncoder, profile), '!', 'h264parse', 'config-interval=-1'],
    ...gstreamerSink(target),
  ];
}

/** The first elements of a pipeline; raw pictures come out of them. */
export function gstreamerSource(source: CameraSource): string[] {
  switch (source.kind) {
    case 'test':
      return ['videotestsrc', 'is-live=true', 'pattern=ball'];
    case 'v4l2':
      return ['v4l2src', assigned('device', source.device)];
    case 'libcamera':
      return source.name ? ['libcamerasrc', assigned('camera-name', source.name)] : ['libcamerasrc'];
    case 'argus':
      return [
        ...['nvarguscamerasrc', `sensor-id=${source.sensor}`, '!', 'video/x-raw(memory:NVMM)'],
        ...['!', 'nvvidconv', '!', 'video/x-raw,format=I420'],
      ];
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
    case 'rtp': {
      const { hostname, port } = new URL(url);
      return [
        ...['!', 'rtph264pay', 'config-interval=1', `pt=${RTP_PAYLOAD_TYPE}`, `mtu=${RTP_PACKET_BYTES}`],
        ...['!', 'udpsink', assigned('host', hostname.replace(/^\[|\]$/g, '')), `port=${port}`],
      ];
    }
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
