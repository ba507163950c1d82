import { parseAacConfig, type AacConfig } from './aac.rules';
import { type AvcConfig, buildAvcRecord, joinNals, parseAvcRecord, splitNals } from './avc.rules';
import type { MediaPacket } from './packet';

const TAG_AUDIO = 8;
const TAG_VIDEO = 9;
const TAG_DATA = 18;
const VIDEO_HEAD_BYTES = 5;
const AUDIO_HEAD_BYTES = 2;
const AVC_KEY = 0x17;
const AVC_INTER = 0x27;
const AAC = 0xaf;

export const FLV_TYPES = { audio: TAG_AUDIO, video: TAG_VIDEO, data: TAG_DATA } as const;

/** Reads an FLV tag's body (Adobe FLV 10.1, annex E.4); undefined for codecs other than H.264 and AAC. */
export function readTag(type: number, dtsMs: number, body: Buffer): MediaPacket | undefined {
  if (type === TAG_DATA) return { kind: 'data', header: true, key: false, dtsMs, body };
  if (type === TAG_VIDEO) return readVideo(dtsMs, body);
  if (type !== TAG_AUDIO || body.length < AUDIO_HEAD_BYTES || (body[0] ?? 0) >> 4 !== 10) return undefined;
  return { kind: 'audio', header: body[1] === 0, key: false, dtsMs, body };
}

function readVideo(dtsMs: number, body: Buffer): MediaPacket | undefined {
  const first = body[0] ?? 0;
  if (body.length < VIDEO_HEAD_BYTES || first & 0x80 || (first & 0x0f) !== 7) return undefined;
  const packetType = body[1];
  if (packetType !== 0 && packetType !== 1) return undefined;
  return { kind: 'video', header: packetType === 0, key: packetType === 1 && first >> 4 === 1, dtsMs, body };
}

/** The H.264 parameter sets of a video header packet. */
export function avcConfigOf(packet: MediaPacket): AvcConfig | undefined {
  return parseAvcRecord(packet.body.subarray(VIDEO_HEAD_BYTES));
}

/** The AAC configuration of an audio header packet. */
export function aacConfigOf(packet: MediaPacket): AacConfig | undefined {
  return parseAacConfig(packet.body.subarray(AUDIO_HEAD_BYTES));
}

/** The NAL units of a video packet. */
export function nalsOf(packet: MediaPacket): Buffer[] {
  return splitNals(packet.body.subarray(VIDEO_HEAD_BYTES));
}

/** When a video packet is shown. */
export function ptsMsOf(packet: MediaPacket): number {
  return packet.kind === 'video' ? packet.dtsMs + packet.body.readIntBE(2, 3) : packet.dtsMs;
}

/** The AAC frame of an audio packet. */
export function aacFrameOf(packet: MediaPacket): Buffer {
  return packet.body.subarray(AUDIO_HEAD_BYTES);
}

export function avcHeaderPacket(config: AvcConfig, dtsMs: number): MediaPacket {
  const body = Buffer.concat([Buffer.from([AVC_KEY, 0, 0, 0, 0]), buildAvcRecord(config)]);
  return { kind: 'video', header: true, key: false, dtsMs, body };
}

export function avcPacket(picture: {
  nals: Buffer[];
  key: boolean;
  dtsMs: number;
  ptsMs: number;
}): MediaPacket {
  const { nals, key, dtsMs, ptsMs } = picture;
  const head = Buffer.from([key ? AVC_KEY : AVC_INTER, 1, 0, 0, 0]);
  head.writeIntBE(Math.max(-0x800000, Math.min(0x7fffff, ptsMs - dtsMs)), 2, 3);
  return { kind: 'video', header: false, key, dtsMs, body: Buffer.concat([head, joinNals(nals)]) };
}

export function aacHeaderPacket(config: Buffer, dtsMs: number): MediaPacket {
  const body = Buffer.concat([Buffer.from([AAC, 0]), config]);
  return { kind: 'audio', header: true, key: false, dtsMs, body };
}

export function aacPacket(frame: Buffer, dtsMs: number): MediaPacket {
  return {
    kind: 'audio',
    header: false,
    key: false,
    dtsMs,
    body: Buffer.concat([Buffer.from([AAC, 1]), frame]),
  };
}

/** The nine-byte FLV file header with the empty "previous tag size" after it. */
export function flvFileHeader(has: { audio: boolean; video: boolean }): Buffer {
  const flags = (has.audio ? 4 : 0) | (has.video ? 1 : 0);
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

/** A packet as one FLV tag with its trailing size. */
export function flvTag({ kind, dtsMs, body }: MediaPacket): Buffer {
  const tag = Buffer.alloc(11 + body.length + 4);
  const ts = dtsMs >>> 0;
  tag[0] = FLV_TYPES[kind];
  tag.writeUIntBE(body.length, 1, 3);
  tag.writeUIntBE(ts & 0xffffff, 4, 3);
  tag[7] = ts >>> 24;
  body.copy(tag, 11);
  tag.writeUInt32BE(11 + body.length, 11 + body.length);
  return tag;
}
