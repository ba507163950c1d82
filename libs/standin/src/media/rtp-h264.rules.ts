import type { RtpPacket } from './rtp.rules';

/** The NAL units of one picture. */
export interface AccessUnit {
  timestamp: number;
  nals: Buffer[];
}

const STAP_A = 24;
const FU_A = 28;
const MAX_UNIT_BYTES = 8 * 1024 * 1024;

/** Puts pictures together from RTP (RFC 6184, packetization modes 0 and 1); a picture with a hole is left out. */
export class H264Assembler {
  private nals: Buffer[] = [];
  private fragments: Buffer[] | undefined;
  private bytes = 0;
  private broken = false;
  private timestamp: number | undefined;
  private sequence: number | undefined;

  /** Takes the next packet; gives the pictures that it completes. */
  push(packet: RtpPacket): AccessUnit[] {
    const done: AccessUnit[] = [];
    if (this.timestamp !== undefined && this.timestamp !== packet.timestamp) this.finish(done);
    if (this.sequence !== undefined && packet.sequence !== ((this.sequence + 1) & 0xffff)) this.broken = true;
    this.sequence = packet.sequence;
    this.timestamp = packet.timestamp;
    this.bytes += packet.payload.length;
    if (this.bytes > MAX_UNIT_BYTES) this.drop();
    this.take(packet.payload);
    if (packet.marker) this.finish(done);
    return done;
  }

  private take(payload: Buffer): void {
    const type = (payload[0] ?? 0) & 0x1f;
    if (payload.length === 0 || this.broken) return;
    if (type === FU_A) this.takeFragment(payload);
    else if (type === STAP_A) this.takeAggregate(payload);
    else if (type >= 1 && type <= 23) this.nals.push(payload);
    else this.broken = true;
  }

  private takeFragment(payload: Buffer): void {
    const header = payload[1];
    if (header === undefined) return this.drop();
    if (header & 0x80) {
      const first = ((payload[0] ?? 0) & 0xe0) | (header & 0x1f);
      this.fragments = [Buffer.from([first])];
    }
    if (!this.fragments) return this.drop();
    this.fragments.push(payload.subarray(2));
    if (header & 0x40) {
      this.nals.push(Buffer.concat(this.fragments));
      this.fragments = undefined;
    }
  }

  private takeAggregate(payload: Buffer): void {
    let at = 1;
    while (at + 2 <= payload.length) {
      const end = at + 2 + payload.readUInt16BE(at);
      if (end > payload.length) return this.drop();
      if (end > at + 2) this.nals.push(payload.subarray(at + 2, end));
      at = end;
    }
  }

  private drop(): void {
    this.broken = true;
    this.nals = [];
    this.fragments = undefined;
  }

  private finish(done: AccessUnit[]): void {
    if (!this.broken && !this.fragments && this.nals.length > 0 && this.timestamp !== undefined) {
      done.push({ timestamp: this.timestamp, nals: this.nals });
    }
    this.nals = [];
    this.fragments = undefined;
    this.bytes = 0;
    this.broken = false;
    this.timestamp = undefined;
  }
}

/** Cuts a NAL unit into RTP payloads of at most `maxBytes`: itself, or FU-A fragments. */
export function fragmentNal(nal: Buffer, maxBytes: number): Buffer[] {
  if (nal.length <= maxBytes) return [nal];
  const first = nal[0] ?? 0;
  const indicator = (first & 0xe0) | FU_A;
  const payloads: Buffer[] = [];
  for (let at = 1; at < nal.length; at += maxBytes - 2) {
    const end = Math.min(nal.length, at + maxBytes - 2);
    const flags = (at === 1 ? 0x80 : 0) | (end === nal.length ? 0x40 : 0);
    payloads.push(Buffer.concat([Buffer.from([indicator, flags | (first & 0x1f)]), nal.subarray(at, end)]));
  }
  return payloads;
}
