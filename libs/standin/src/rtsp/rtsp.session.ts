import { randomUUID } from 'node:crypto';
import type { Context } from '../context';
import type { EndpointRef, PathMember } from '../hub/media-path';
import { MediaStream } from '../hub/media-stream';
import type { MediaPacket, PacketSink } from '../media/packet';
import { EgressTrack } from './rtsp-egress';
import { IngestTrack } from './rtsp-ingest';
import { type OfferedTrack, offeredTracks, type SdpMedia } from '../media/sdp.rules';

export type SessionStep = 'initial' | 'announced' | 'readyToRecord' | 'record' | 'readyToPlay' | 'play';

/** What a session needs of the connection that carries it. */
export interface SessionCarrier {
  id: string;
  remoteAddr: string;
  write(data: Buffer | string): void;
  close(reason: string): void;
}

/** One RTSP session: what a client publishes or reads on one path. */
export class RtspSession implements PathMember, PacketSink {
  readonly id = randomUUID();
  readonly key = randomUUID().replaceAll('-', '');
  readonly ref: EndpointRef = { type: 'rtspSession', id: this.id };
  readonly created = new Date();
  step: SessionStep = 'initial';
  path = '';
  query = '';
  user = '';
  userAgent = '';
  readonly inbound = { bytes: 0, reports: 0 };
  tracks: OfferedTrack[] = [];
  readonly ingest = new Map<number, IngestTrack>();
  readonly egress = new Map<number, EgressTrack>();
  private medias: SdpMedia[] = [];
  private stream: MediaStream | undefined;
  private startedMs = Date.now();
  private closed = false;

  constructor(
    readonly carrier: SessionCarrier,
    private readonly context: Context,
  ) {}

  get state(): 'idle' | 'read' | 'publish' {
    if (this.step === 'play') return 'read';
    return this.step === 'record' ? 'publish' : 'idle';
  }

  /** The next free pair of channels. */
  get nextChannel(): number {
    return (this.ingest.size + this.egress.size) * 2;
  }

  announce(medias: SdpMedia[]): void {
    this.medias = medias;
    this.stream = new MediaStream();
    this.step = 'announced';
  }

  /** Prepares one announced media; false when the URL names none. */
  setupIngest(url: string, channel: number): boolean {
    const media =
      this.medias.find(({ control }) => control !== '' && url.endsWith(control)) ??
      this.medias[this.ingest.size];
    if (!media || !this.stream) return false;
    this.ingest.set(channel, new IngestTrack(media, this.stream, () => Date.now() - this.startedMs));
    this.step = 'readyToRecord';
    return true;
  }

  /** Registers as reader of its path, waiting where the path waits. */
  async join(signal: AbortSignal): Promise<void> {
    const stream = await this.context.hub.read(this.path, this, signal);
    if (this.closed) return this.context.hub.leave(this.path, this);
    this.stream = stream;
    this.tracks = offeredTracks(stream);
    this.step = 'readyToPlay';
  }

  /** Prepares one track to be sent; undefined when there is no such track. */
  setupEgress(track: number, channel: number): EgressTrack | undefined {
    const offered = this.tracks[track];
    if (!offered) return undefined;
    const egress = new EgressTrack(offered, channel, this.startedMs, (data) => this.carrier.write(data));
    this.egress.set(track, egress);
    return egress;
  }

  play(): void {
    this.step = 'play';
    this.stream?.attach(this);
    this.context.log({ msg: 'rtsp read', id: this.id, path: this.path });
  }

  pause(): void {
    this.step = 'readyToPlay';
    this.stream?.detach(this);
  }

  record(): void {
    if (!this.stream) return;
    this.startedMs = Date.now();
    this.context.hub.publish(this.path, this, this.stream);
    this.step = 'record';
    this.context.log({ msg: 'rtsp publish', id: this.id, path: this.path });
  }

  /** RTP or RTCP from the client. */
  receive(channel: number, data: Buffer): void {
    this.inbound.bytes += data.length;
    if (channel % 2 === 1) this.inbound.reports += 1;
    else if (this.step === 'record') this.ingest.get(channel)?.take(data);
  }

  send(packet: MediaPacket): void {
    for (const track of this.egress.values()) {
      if (track.kind === packet.kind) track.send(packet);
    }
  }

  /** Ends the session and, as it runs over TCP, its connection (gortsplib). */
  close(reason: string): void {
    this.end();
    this.carrier.close(reason);
  }

  /** Leaves the path; the connection stays. */
  end(): void {
    if (this.closed) return;
    this.closed = true;
    this.stream?.detach(this);
    if (this.step === 'record') this.context.hub.unpublish(this.path, this);
    if (this.step === 'play' || this.step === 'readyToPlay') this.context.hub.leave(this.path, this);
  }
}
