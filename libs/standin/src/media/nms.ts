/**
 * The protocol classes of node-media-server 4.4.3 (Apache-2.0), with types. Only files that know nothing of its server,
 * its global context and its JSON store are loaded.
 */
import { createRequire } from 'node:module';

/** A decoded AMF0 command. */
export interface RtmpInvoke {
  cmd: string;
  transId: number;
  cmdObj?: Record<string, unknown> | null;
  streamName?: unknown;
}

interface RtmpChunkSource {
  header: { fmt: number; cid: number; timestamp: number; length: number; type: number; stream_id: number };
  payload: Buffer;
}

/** The parser and the replies of an RTMP server connection (src/protocol/rtmp.js). */
export interface RtmpProtocol {
  parserPacket: {
    header: { type: number; length: number; stream_id: number };
    clock: number;
    payload: Buffer;
  };
  inPackets: Map<number, unknown>;
  flv: unknown;
  inChunkSize: number;
  streamId: number;
  streamApp: string;
  streamName: string;
  onOutputCallback: (data: Buffer) => void;
  parserData(data: Buffer): string | null;
  packetAlloc(): void;
  dataHandler(): void;
  onConnect(message: RtmpInvoke): void;
  onPublish(message: RtmpInvoke): void;
  onPlay(message: RtmpInvoke): void;
  onDeleteStream(message: RtmpInvoke): void;
  respondPublish(): void;
  respondPlay(): void;
  sendACK(bytes: number): void;
  sendStatusMessage(streamId: number, level: string, code: string, description: string): void;
}

interface RtmpClass {
  new (): RtmpProtocol;
  chunksCreate(packet: RtmpChunkSource): Buffer;
}

const load = createRequire(__filename);
const quiet = load('node-media-server/src/core/logger.js') as { log: (text: string) => void };
quiet.log = () => undefined;

/** The RTMP protocol class, to extend. */
export const Rtmp = load('node-media-server/src/protocol/rtmp.js') as RtmpClass;

const spsInfo = load('node-media-server/src/protocol/sps_info.js') as {
  parseH264Sps(sps: Buffer): { width: number; height: number } | null;
};

/** The picture size that an H.264 SPS states. */
export function pictureSize(sps: Buffer): { width: number; height: number } | null {
  return spsInfo.parseH264Sps(sps);
}
