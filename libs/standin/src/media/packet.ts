/** What flows through the stand-in: the body of one FLV tag, H.264 or AAC, as RTMP carries it. */
export interface MediaPacket {
  kind: 'video' | 'audio' | 'data';
  /** A codec configuration (AVC decoder record, AAC AudioSpecificConfig) or the stream's metadata. */
  header: boolean;
  /** A picture from which decoding can start. */
  key: boolean;
  dtsMs: number;
  body: Buffer;
}

/** Whoever takes packets: a player's connection, an HLS muxer. */
export interface PacketSink {
  send(packet: MediaPacket): void;
}
