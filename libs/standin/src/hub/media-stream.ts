import type { AacConfig } from '../media/aac.rules';
import type { AvcConfig } from '../media/avc.rules';
import { aacConfigOf, avcConfigOf } from '../media/flv.rules';
import type { MediaPacket, PacketSink } from '../media/packet';

const GOP_MAX_BYTES = 8 * 1024 * 1024;
const GOP_MAX_PACKETS = 4_096;

interface Attached {
  waitsForKey: boolean;
  counted: boolean;
}

/** One publisher's media: its codec headers, the packets since the last key picture, and who receives it. */
export class MediaStream {
  avc: AvcConfig | undefined;
  aac: AacConfig | undefined;
  hasVideo = false;
  hasAudio = false;
  inboundBytes = 0;
  outboundBytes = 0;
  private headers = new Map<MediaPacket['kind'], MediaPacket>();
  private gop: MediaPacket[] = [];
  private gopBytes = 0;
  private readonly sinks = new Map<PacketSink, Attached>();

  /** Takes the publisher's next packet and passes it on. */
  write(packet: MediaPacket): void {
    this.inboundBytes += packet.body.length;
    if (packet.header) this.takeHeader(packet);
    else this.remember(packet);
    for (const [sink, state] of this.sinks) this.pass(packet, sink, state);
  }

  /** Sends headers and the pictures since the last key picture at once, then all that follows. */
  attach(sink: PacketSink, { counted }: { counted: boolean } = { counted: true }): void {
    const state = { waitsForKey: this.hasVideo, counted };
    this.sinks.set(sink, state);
    for (const header of this.headers.values()) this.pass(header, sink, state);
    for (const packet of this.gop) this.pass(packet, sink, state);
  }

  detach(sink: PacketSink): void {
    this.sinks.delete(sink);
  }

  private pass(packet: MediaPacket, sink: PacketSink, state: Attached): void {
    if (packet.key) state.waitsForKey = false;
    if (state.waitsForKey && packet.kind === 'video' && !packet.header) return;
    if (state.counted) this.outboundBytes += packet.body.length;
    sink.send(packet);
  }

  private takeHeader(packet: MediaPacket): void {
    if (packet.kind === 'video') {
      const avc = avcConfigOf(packet);
      if (!avc) return;
      this.avc = avc;
      this.hasVideo = true;
      this.forgetGop();
    }
    if (packet.kind === 'audio') {
      const aac = aacConfigOf(packet);
      if (!aac) return;
      this.aac = aac;
      this.hasAudio = true;
    }
    this.headers.set(packet.kind, packet);
  }

  private remember(packet: MediaPacket): void {
    if (packet.key) this.forgetGop();
    if (!this.hasVideo || (this.gop.length === 0 && !packet.key)) return;
    this.gop.push(packet);
    this.gopBytes += packet.body.length;
    if (this.gopBytes > GOP_MAX_BYTES || this.gop.length > GOP_MAX_PACKETS) this.forgetGop();
  }

  private forgetGop(): void {
    this.gop = [];
    this.gopBytes = 0;
  }
}
