import { randomUUID } from 'node:crypto';
import type { EndpointRef, PathMember } from '../hub/media-path';
import type { PacketSink } from '../media/packet';
import type { HlsMuxer } from './hls.muxer';

/** One HLS viewer, bound to the address that opened it; the muxer does the reading. */
export class HlsSession implements PathMember, PacketSink {
  readonly id = randomUUID();
  readonly secret = randomUUID();
  readonly ref: EndpointRef = { type: 'hlsSession', id: this.id };
  readonly created = new Date();
  lastRequest = new Date();
  outboundBytes = 0;
  muxer: HlsMuxer | undefined;

  constructor(
    readonly viewer: {
      ip: string;
      remoteAddr: string;
      path: string;
      query: string;
      user: string;
      userAgent: string;
    },
    private readonly onClosed: (session: HlsSession) => void,
  ) {}

  /** Takes nothing: it is attached so that the path's outbound bytes count every viewer. */
  send(): void {}

  close(): void {
    this.muxer?.stream.detach(this);
    this.onClosed(this);
  }
}
