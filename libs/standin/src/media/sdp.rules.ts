import type { AacConfig } from './aac.rules';
import { parseAacConfig } from './aac.rules';
import { type AvcConfig, NAL_PPS, NAL_SPS, nalType } from './avc.rules';
import type { AuLayout } from './rtp-aac.rules';

interface SdpMediaHead {
  control: string;
  payloadType: number;
  clockRate: number;
}

export type SdpMedia =
  | (SdpMediaHead & { codec: 'H264'; config: AvcConfig | undefined })
  | (SdpMediaHead & { codec: 'AAC'; config: AacConfig; layout: AuLayout })
  | (SdpMediaHead & { codec: 'other' });

/** Reads a session description's media; undefined when it is no SDP or has no media. */
export function parseSdp(text: string): SdpMedia[] | undefined {
  if (!/^v=0\s*$/m.test(text)) return undefined;
  const medias = text.split(/^m=/m).slice(1).map(parseMedia);
  return medias.length > 0 ? medias : undefined;
}

function parseMedia(section: string): SdpMedia {
  const payloadType = Number(/^\S+ \S+ \S+ (\d{1,3})/.exec(section)?.[1] ?? -1);
  const attribute = (name: string): string =>
    new RegExp(`^a=${name}:(.*?)\\s*$`, 'm').exec(section)?.[1] ?? '';
  const [encoding = '', rate = '0'] = attribute(`rtpmap`).replace(/^\d+ /, '').split('/');
  const head = { control: attribute('control'), payloadType, clockRate: Number(rate) };
  const params = parseFmtp(attribute('fmtp'));
  if (head.clockRate > 0 && encoding.toUpperCase() === 'H264') {
    return { ...head, codec: 'H264', config: parseSprop(params.get('sprop-parameter-sets') ?? '') };
  }
  const aac = parseAacConfig(Buffer.from(params.get('config') ?? '', 'hex'));
  if (head.clockRate > 0 && encoding.toLowerCase() === 'mpeg4-generic' && aac) {
    const sizeBits = Number(params.get('sizelength') ?? 13);
    return {
      ...head,
      codec: 'AAC',
      config: aac,
      layout: { sizeBits, indexBits: Number(params.get('indexlength') ?? 3) },
    };
  }
  return { ...head, codec: 'other' };
}

function parseFmtp(value: string): Map<string, string> {
  const params = new Map<string, string>();
  for (const pair of value.replace(/^\d+ /, '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0) params.set(pair.slice(0, equals).trim().toLowerCase(), pair.slice(equals + 1).trim());
  }
  return params;
}

function parseSprop(value: string): AvcConfig | undefined {
  const nals = value.split(',').map((part) => Buffer.from(part, 'base64'));
  const sps = nals.find((nal) => nal.length >= 4 && nalType(nal) === NAL_SPS);
  const pps = nals.find((nal) => nalType(nal) === NAL_PPS);
  return sps && pps ? { sps, pps } : undefined;
}

/** A track that we offer to readers, in the order of its `trackID`. */
export type OfferedTrack =
  | { codec: 'H264'; payloadType: number; clockRate: number; config: AvcConfig | undefined }
  | { codec: 'AAC'; payloadType: number; clockRate: number; config: AacConfig };

/** The tracks of a stream. */
export function offeredTracks(stream: {
  hasVideo: boolean;
  avc: AvcConfig | undefined;
  aac: AacConfig | undefined;
}): OfferedTrack[] {
  const tracks: OfferedTrack[] = [];
  if (stream.hasVideo) tracks.push({ codec: 'H264', payloadType: 96, clockRate: 90_000, config: stream.avc });
  if (stream.aac) {
    tracks.push({ codec: 'AAC', payloadType: 97, clockRate: stream.aac.sampleRate, config: stream.aac });
  }
  return tracks;
}

/** The session description that a DESCRIBE answers. */
export function formatSdp(tracks: OfferedTrack[]): string {
  const lines = ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=No Name', 'c=IN IP4 0.0.0.0', 't=0 0'];
  tracks.forEach((track, index) => lines.push(...formatTrack(track, index)));
  return `${lines.join('\r\n')}\r\n`;
}

function formatTrack(track: OfferedTrack, index: number): string[] {
  const { payloadType, clockRate } = track;
  const control = `a=control:trackID=${index}`;
  if (track.codec === 'AAC') {
    const { raw, channelCount } = track.config;
    const params = `config=${raw.toString('hex')}; indexdeltalength=3; indexlength=3; mode=AAC-hbr; profile-level-id=1; sizelength=13; streamtype=5`;
    return [
      `m=audio 0 RTP/AVP ${payloadType}`,
      control,
      `a=rtpmap:${payloadType} mpeg4-generic/${clockRate}/${channelCount}`,
      `a=fmtp:${payloadType} ${params}`,
    ];
  }
  const params = ['packetization-mode=1'];
  if (track.config) {
    const { sps, pps } = track.config;
    params.push(`profile-level-id=${sps.subarray(1, 4).toString('hex').toUpperCase()}`);
    params.push(`sprop-parameter-sets=${sps.toString('base64')},${pps.toString('base64')}`);
  }
  return [
    `m=video 0 RTP/AVP ${payloadType}`,
    control,
    `a=rtpmap:${payloadType} H264/${clockRate}`,
    `a=fmtp:${payloadType} ${params.join('; ')}`,
  ];
}
