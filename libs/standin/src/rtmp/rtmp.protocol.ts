import { FLV_TYPES, readTag } from '../media/flv.rules';
import { Rtmp, type RtmpInvoke } from '../media/nms';
import type { MediaPacket } from '../media/packet';

const MESSAGE_MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_STREAMS_MAX = 32;
const CHANNELS = { audio: 4, video: 5, data: 6 } as const;

/** What happens on an RTMP connection. */
export interface RtmpEvents {
  onWish(action: 'publish' | 'play', tcUrl: string, streamKey: string): void;
  onMedia(packet: MediaPacket): void;
  onEnd(): void;
}

/** node-media-server's RTMP parser with our limits and without its answers before the door has decided. */
export class RtmpServerProtocol extends Rtmp {
  flashVer = '';
  private tcUrl = '';

  constructor(private readonly events: RtmpEvents) {
    super();
    // An FLV parser that the class never uses, with a megabyte of buffer per connection.
    this.flv = undefined;
  }

  override packetAlloc(): void {
    if (this.parserPacket.header.length > MESSAGE_MAX_BYTES) throw new Error('message too large');
    if (this.inPackets.size > CHUNK_STREAMS_MAX) throw new Error('too many chunk streams');
    if (!(this.inChunkSize > 0)) throw new Error('illegal chunk size');
    super.packetAlloc();
  }

  override dataHandler(): void {
    const { header, clock, payload } = this.parserPacket;
    const body = Buffer.from(payload.subarray(0, header.length));
    // "@setDataFrame" wraps the metadata; what follows it is the message that players expect.
    const inner = header.type === FLV_TYPES.data && body.includes('@setDataFrame') ? body.subarray(16) : body;
    const packet = inner.length > 0 ? readTag(header.type, clock, inner) : undefined;
    if (packet) this.events.onMedia(packet);
  }

  override onConnect(message: RtmpInvoke): void {
    const { tcUrl, flashVer } = message.cmdObj ?? {};
    if (typeof tcUrl !== 'string') throw new Error('no tcUrl');
    this.tcUrl = tcUrl;
    this.flashVer = typeof flashVer === 'string' ? flashVer : '';
    super.onConnect(message);
  }

  override onPublish(message: RtmpInvoke): void {
    this.wish('publish', message);
  }

  override onPlay(message: RtmpInvoke): void {
    this.wish('play', message);
  }

  override onDeleteStream(): void {
    this.events.onEnd();
  }

  private wish(action: 'publish' | 'play', message: RtmpInvoke): void {
    const key = typeof message.streamName === 'string' ? message.streamName : '';
    this.streamName = key.split('?')[0] ?? '';
    this.streamId = this.parserPacket.header.stream_id;
    this.events.onWish(action, this.tcUrl, key);
  }

  /** Says no in the words that MediaMTX uses since v1.20.1. */
  refuse(action: 'publish' | 'play'): void {
    const code = action === 'publish' ? 'NetStream.Publish.Unauthorized' : 'NetStream.Play.Failed';
    this.sendStatusMessage(this.streamId, 'error', code, 'authentication error');
  }

  /** A packet as the chunks of one message. */
  encode({ kind, dtsMs, body }: MediaPacket): Buffer {
    const header = {
      fmt: 0,
      cid: CHANNELS[kind],
      timestamp: dtsMs >>> 0,
      length: body.length,
      type: FLV_TYPES[kind],
      stream_id: this.streamId,
    };
    return Rtmp.chunksCreate({ header, payload: body });
  }
}
