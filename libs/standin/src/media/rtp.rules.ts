/** One RTP packet's fields that we use (RFC 3550, 5.1). */
export interface RtpPacket {
  payloadType: number;
  marker: boolean;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Buffer;
}

const HEADER_BYTES = 12;

/** Reads an RTP packet; undefined when it is none. */
export function parseRtp(data: Buffer): RtpPacket | undefined {
  if (data.length < HEADER_BYTES) return undefined;
  const first = data[0] ?? 0;
  const second = data[1] ?? 0;
  if (first >> 6 !== 2) return undefined;
  let start = HEADER_BYTES + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (start + 4 > data.length) return undefined;
    start += 4 + data.readUInt16BE(start + 2) * 4;
  }
  const padding = first & 0x20 ? (data[data.length - 1] ?? 0) : 0;
  const end = data.length - padding;
  if (start > end) return undefined;
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    ssrc: data.readUInt32BE(8),
    payload: data.subarray(start, end),
  };
}

/** Writes an RTP packet without extension or padding. */
export function buildRtp(packet: RtpPacket): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head[0] = 0x80;
  head[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  head.writeUInt16BE(packet.sequence & 0xffff, 2);
  head.writeUInt32BE(packet.timestamp >>> 0, 4);
  head.writeUInt32BE(packet.ssrc >>> 0, 8);
  return Buffer.concat([head, packet.payload]);
}

/** An RTCP sender report without report blocks (RFC 3550, 6.4.1), which lets a player align its tracks. */
export function buildSenderReport(report: {
  ssrc: number;
  wallMs: number;
  timestamp: number;
  packets: number;
  bytes: number;
}): Buffer {
  const data = Buffer.alloc(28);
  data[0] = 0x80;
  data[1] = 200;
  data.writeUInt16BE(6, 2);
  data.writeUInt32BE(report.ssrc >>> 0, 4);
  data.writeUInt32BE((Math.floor(report.wallMs / 1000) + 2_208_988_800) >>> 0, 8);
  data.writeUInt32BE(Math.floor(((report.wallMs % 1000) / 1000) * 0x1_0000_0000) >>> 0, 12);
  data.writeUInt32BE(report.timestamp >>> 0, 16);
  data.writeUInt32BE(report.packets >>> 0, 20);
  data.writeUInt32BE(report.bytes >>> 0, 24);
  return data;
}

/** How far `to` is after `from` on a 32-bit wheel, negative when it is before. */
export function wheelDistance(from: number, to: number): number {
  return (to - from) | 0;
}
