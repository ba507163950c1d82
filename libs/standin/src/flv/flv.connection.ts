import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RtmpLike } from '../api/items';
import { addressOf, BACKLOG_MAX_BYTES } from '../context';
import type { EndpointRef, PathMember } from '../hub/media-path';
import type { MediaStream } from '../hub/media-stream';
import { flvFileHeader, flvTag } from '../media/flv.rules';
import type { MediaPacket, PacketSink } from '../media/packet';

/** One HTTP-FLV viewer. MediaMTX has no HTTP-FLV; the API shows the viewer among the RTMP connections. */
export class FlvConnection implements PathMember, PacketSink, RtmpLike {
  readonly id = randomUUID();
  readonly ref: EndpointRef = { type: 'rtmpConn', id: this.id };
  readonly created = new Date();
  readonly remoteAddr: string;
  readonly userAgent: string;
  state: 'idle' | 'read' = 'idle';
  user = '';
  private stream: MediaStream | undefined;
  private firstDtsMs: number | undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    readonly path: string,
    readonly query: string,
  ) {
    this.remoteAddr = addressOf(request.socket);
    this.userAgent = request.headers['user-agent'] ?? '';
  }

  get inboundBytes(): number {
    return this.request.socket.bytesRead;
  }

  get outboundBytes(): number {
    return this.request.socket.bytesWritten;
  }

  start(stream: MediaStream): void {
    this.stream = stream;
    this.state = 'read';
    this.response.setHeader('Content-Type', 'video/x-flv');
    this.response.setHeader('Cache-Control', 'no-cache');
    this.response.writeHead(200);
    this.response.write(flvFileHeader({ audio: stream.hasAudio, video: stream.hasVideo }));
    stream.attach(this);
  }

  send(packet: MediaPacket): void {
    if (this.response.destroyed) return;
    if (this.response.writableLength > BACKLOG_MAX_BYTES) return this.close();
    if (!packet.header) this.firstDtsMs ??= packet.dtsMs;
    const dtsMs = Math.max(0, packet.dtsMs - (this.firstDtsMs ?? packet.dtsMs));
    this.response.write(flvTag({ ...packet, dtsMs }));
  }

  close(): void {
    this.stream?.detach(this);
    this.response.destroy();
  }
}
