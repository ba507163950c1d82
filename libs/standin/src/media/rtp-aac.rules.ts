/** How `mpeg4-generic` lays out its AU headers (RFC 3640, 3.2.1), in bits. */
export interface AuLayout {
  sizeBits: number;
  indexBits: number;
}

/** The AAC frames of one RTP payload; a frame that is cut short or fragmented is left out. */
export function splitAacPayload(payload: Buffer, { sizeBits, indexBits }: AuLayout): Buffer[] {
  if (payload.length < 2) return [];
  const headerBits = payload.readUInt16BE(0);
  const each = sizeBits + indexBits;
  if (each <= 0 || each > 32 || headerBits % each !== 0) return [];
  let at = 2 + Math.ceil(headerBits / 8);
  const frames: Buffer[] = [];
  for (let bit = 0; bit < headerBits; bit += each) {
    const size = readBits(payload, 16 + bit, sizeBits);
    if (size === 0 || at + size > payload.length) break;
    frames.push(payload.subarray(at, at + size));
    at += size;
  }
  return frames;
}

/** One AAC frame as an RTP payload, with 13 bits of size and 3 of index. */
export function wrapAacFrame(frame: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 16, (frame.length >> 5) & 0xff, (frame.length << 3) & 0xff]), frame]);
}

function readBits(data: Buffer, from: number, bits: number): number {
  let value = 0;
  for (let bit = from; bit < from + bits; bit++) {
    value = value * 2 + (((data[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  }
  return value;
}
