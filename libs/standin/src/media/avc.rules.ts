/** H.264 parameter sets as they are in a NAL unit, without start code. */
export interface AvcConfig {
  sps: Buffer;
  pps: Buffer;
}

export const NAL_IDR = 5;
export const NAL_SPS = 7;
export const NAL_PPS = 8;
const NAL_AUD = 9;

/** The type of a NAL unit (ISO/IEC 14496-10, 7.4.1). */
export function nalType(nal: Buffer): number {
  return (nal[0] ?? 0) & 0x1f;
}

/** Cuts length-prefixed NAL units (4 bytes each); what is cut short is left out. */
export function splitNals(data: Buffer): Buffer[] {
  const nals: Buffer[] = [];
  let at = 0;
  while (at + 4 <= data.length) {
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) break;
    if (end > at + 4) nals.push(data.subarray(at + 4, end));
    at = end;
  }
  return nals;
}

/** Puts a 4-byte length before each NAL unit. */
export function joinNals(nals: Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const nal of nals) {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(nal.length);
    parts.push(length, nal);
  }
  return Buffer.concat(parts);
}

/** What belongs inside an FLV or MP4 sample: no delimiters, no parameter sets. */
export function isPictureNal(nal: Buffer): boolean {
  return ![NAL_SPS, NAL_PPS, NAL_AUD].includes(nalType(nal));
}

/** Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1); undefined when it is none. */
export function parseAvcRecord(record: Buffer): AvcConfig | undefined {
  if (record.length < 8 || record[0] !== 1 || ((record[4] ?? 0) & 3) !== 3) return undefined;
  let at = 6;
  const next = (): Buffer | undefined => {
    if (at + 2 > record.length) return undefined;
    const end = at + 2 + record.readUInt16BE(at);
    if (end > record.length || end === at + 2) return undefined;
    const nal = record.subarray(at + 2, end);
    at = end;
    return nal;
  };
  if (((record[5] ?? 0) & 0x1f) < 1) return undefined;
  const sps = next();
  at += 1;
  const pps = next();
  return sps && pps && sps.length >= 4 ? { sps, pps } : undefined;
}

/** Builds an AVCDecoderConfigurationRecord with 4-byte lengths, one SPS and one PPS. */
export function buildAvcRecord({ sps, pps }: AvcConfig): Buffer {
  const head = Buffer.from([
    1,
    sps[1] ?? 0,
    sps[2] ?? 0,
    sps[3] ?? 0,
    0xff,
    0xe1,
    sps.length >> 8,
    sps.length & 0xff,
  ]);
  return Buffer.concat([head, sps, Buffer.from([1, pps.length >> 8, pps.length & 0xff]), pps]);
}

/** The codec as RFC 6381 writes it: `avc1.42c00c`. */
export function avcCodecTag({ sps }: AvcConfig): string {
  return `avc1.${sps.subarray(1, 4).toString('hex')}`;
}

const PROFILES: Record<number, string> = {
  66: 'Baseline',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High 10',
  122: 'High 4:2:2',
  244: 'High 4:4:4 Predictive',
};

/** The profile as MediaMTX prints it (defs/api_path_track_codec_props.go). */
export function profileName(sps: Buffer): string {
  const profile = sps[1] ?? 0;
  return PROFILES[profile] ?? String(profile);
}

/** The level as MediaMTX prints it: `3`, `3.1`. */
export function levelName(sps: Buffer): string {
  const level = sps[3] ?? 0;
  return level % 10 === 0 ? String(level / 10) : `${Math.floor(level / 10)}.${level % 10}`;
}
