import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { AuthDeniedError } from '../auth/access.errors';
import { rtmpCredentials } from '../auth/credentials.rules';
import { addressOf, BACKLOG_MAX_BYTES, type Context, ipOf } from '../context';
import type { EndpointRef, PathMember } from '../hub/media-path';
import { MediaStream } from '../hub/media-stream';
import type { MediaPacket, PacketSink } from '../media/packet';
import { announcedTracks } from './metadata.rules';
import { RtmpServerProtocol } from './rtmp.protocol';
import { rtmpTarget, type RtmpTarget } from './rtmp-url.rules';

const ACK_EVERY_BYTES = 1_000_000;
const ANALYZE_MS = 2_000;

/** One RTMP client: publisher or reader, after the door has let it in. */
export class RtmpConnection implements PathMember, PacketSink {
  readonly id = randomUUID();
  readonly ref: EndpointRef = { type: 'rtmpConn', id: this.id };
  readonly created = new Date();
  readonly remoteAddr: string;
  state: 'idle' | 'read' | 'publish' = 'idle';
  path = '';
  query = '';
  user = '';
  private readonly protocol: RtmpServerProtocol;
  private readonly gone = new AbortController();
  private wish: 'none' | 'asked' | 'publish' | 'play' = 'none';
  private target: RtmpTarget = { path: '', query: '' };
  private stream: MediaStream | undefined;
  private firstMediaMs: number | undefined;
  private expected: { audio: boolean; video: boolean } | undefined;
  private acknowledgedBytes = 0;

  constructor(
    private readonly socket: Socket,
    private readonly context: Context,
    private readonly onClosed: (connection: RtmpConnection) => void,
  ) {
    this.remoteAddr = addressOf(socket);
    this.protocol = new RtmpServerProtocol({
      onWish: (action, tcUrl, key) => this.wants(action, tcUrl, key),
      onMedia: (packet) => this.takeMedia(packet),
      onEnd: () => this.close('the client ended'),
    });
    this.protocol.onOutputCallback = (data) => this.write(data);
    socket.setNoDelay(true);
    socket.setTimeout(context.readTimeoutMs, () => this.close('timed out'));
    socket.on('data', (data) => this.receive(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.closed());
  }

  get inboundBytes(): number {
    return this.socket.bytesRead;
  }

  get outboundBytes(): number {
    return this.socket.bytesWritten;
  }

  get userAgent(): string {
    return this.protocol.flashVer;
  }

  close(reason: string): void {
    if (!this.socket.destroyed)
      this.context.log({ msg: 'rtmp closed', id: this.id, path: this.path, reason });
    this.socket.destroy();
    this.closed();
  }

  send(packet: MediaPacket): void {
    this.write(this.protocol.encode(packet));
  }

  private write(data: Buffer): void {
    if (this.socket.destroyed) return;
    if (this.socket.writableLength > BACKLOG_MAX_BYTES) return this.close('the reader is too slow');
    this.socket.write(data);
  }

  private receive(data: Buffer): void {
    try {
      this.protocol.parserData(data);
      const { bytesRead } = this.socket;
      if (bytesRead - this.acknowledgedBytes >= ACK_EVERY_BYTES) {
        this.acknowledgedBytes = bytesRead;
        this.protocol.sendACK(bytesRead >>> 0);
      }
    } catch {
      this.close('not RTMP');
    }
  }

  private wants(action: 'publish' | 'play', tcUrl: string, key: string): void {
    const target = rtmpTarget(tcUrl, key);
    if (!target || this.wish !== 'none') return this.close('unexpected request');
    this.wish = 'asked';
    this.target = target;
    void this.enter(action).catch((error: unknown) => this.refused(action, error));
  }

  /** Nothing is answered, and no media is taken or given, before the door has decided. */
  private async enter(action: 'publish' | 'play'): Promise<void> {
    const { path, query } = this.target;
    this.socket.setTimeout(0);
    await this.context.gate.enter({
      action: action === 'publish' ? 'publish' : 'read',
      path,
      protocol: 'rtmp',
      id: this.id,
      ip: ipOf(this.socket),
      query,
      userAgent: this.protocol.flashVer,
      credentials: rtmpCredentials(query),
      canAsk: false,
    });
    if (this.socket.destroyed) return;
    if (action === 'publish') this.acceptPublisher();
    else await this.acceptReader();
  }

  private acceptPublisher(): void {
    this.stream = new MediaStream();
    this.wish = 'publish';
    this.socket.setTimeout(this.context.readTimeoutMs);
    this.protocol.respondPublish();
  }

  private async acceptReader(): Promise<void> {
    const { path } = this.target;
    const stream = await this.context.hub.read(path, this, this.gone.signal);
    if (this.socket.destroyed) return this.context.hub.leave(path, this);
    this.stream = stream;
    this.wish = 'play';
    this.begin('read');
    this.protocol.respondPlay();
    stream.attach(this);
  }

  private refused(action: 'publish' | 'play', error: unknown): void {
    if (this.socket.destroyed) return;
    if (error instanceof AuthDeniedError) {
      this.protocol.refuse(action);
      this.context.log({ msg: 'rtmp denied', id: this.id, path: this.target.path });
    }
    this.socket.end();
    this.socket.setTimeout(1_000);
  }

  private takeMedia(packet: MediaPacket): void {
    if (this.wish !== 'publish' || !this.stream) return;
    if (packet.kind === 'data') this.expected ??= announcedTracks(packet.body);
    this.stream.write(packet);
    if (this.state === 'idle' && this.tracksKnown(packet)) {
      this.context.hub.publish(this.target.path, this, this.stream);
      this.begin('publish');
    }
  }

  /** MediaMTX publishes once every announced track is known, or after looking at two seconds of media. */
  private tracksKnown(packet: MediaPacket): boolean {
    const { stream } = this;
    if (!stream || packet.header) return false;
    this.firstMediaMs ??= packet.dtsMs;
    if (packet.dtsMs - this.firstMediaMs >= ANALYZE_MS) return stream.hasVideo || stream.hasAudio;
    const { audio, video } = this.expected ?? { audio: true, video: true };
    if (!audio && !video) return stream.hasVideo || stream.hasAudio;
    return (stream.hasVideo || !video) && (stream.hasAudio || !audio);
  }

  private begin(state: 'read' | 'publish'): void {
    this.state = state;
    this.path = this.target.path;
    this.query = this.target.query;
    this.user = rtmpCredentials(this.query).user;
    this.context.log({ msg: `rtmp ${state}`, id: this.id, path: this.path });
  }

  private closed(): void {
    if (this.gone.signal.aborted) return;
    this.gone.abort();
    if (this.state === 'publish') this.context.hub.unpublish(this.path, this);
    if (this.state === 'read') {
      this.stream?.detach(this);
      this.context.hub.leave(this.path, this);
    }
    this.onClosed(this);
  }
}
