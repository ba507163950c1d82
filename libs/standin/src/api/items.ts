/** The v3 items, every key always there and in Go's struct order (defs/api_*.go at v1.20.1). */
import { goTime } from '../go-json.rules';
import type { HlsMuxer } from '../hls/hls.muxer';
import type { HlsSession } from '../hls/hls.session';
import type { EndpointRef, MediaPath } from '../hub/media-path';
import type { MediaStream } from '../hub/media-stream';
import { levelName, profileName } from '../media/avc.rules';
import { pictureSize } from '../media/nms';
import type { RtspConnection } from '../rtsp/rtsp.connection';
import type { RtspSession } from '../rtsp/rtsp.session';

const NEVER = '0001-01-01T00:00:00Z';

export function pathItem(path: MediaPath): object {
  const { stream, source } = path;
  const available = stream !== undefined;
  const time = path.availableAt ? goTime(path.availableAt) : null;
  const online = source !== undefined || path.pulls;
  const tracks = stream ? trackItems(stream) : [];
  const inbound = stream?.inboundBytes ?? 0;
  const outbound = stream?.outboundBytes ?? 0;
  return {
    name: path.name,
    confName: path.config.name,
    ready: available,
    readyTime: time,
    available,
    availableTime: time,
    online,
    onlineTime: online ? (path.onlineAt ? goTime(path.onlineAt) : NEVER) : null,
    source: source?.ref ?? path.pullRef ?? null,
    tracks: tracks.map(({ codec }) => codec),
    tracks2: tracks,
    readers: readerItems(path),
    inboundBytes: inbound,
    outboundBytes: outbound,
    inboundFramesInError: 0,
    bytesReceived: inbound,
    bytesSent: outbound,
  };
}

function readerItems(path: MediaPath): EndpointRef[] {
  const shown = [...path.readers].filter(({ hidden }) => !hidden).map(({ ref }) => ref);
  const rank = ({ type, id }: EndpointRef): string => `${type} ${id}`;
  return shown.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function trackItems({ hasVideo, avc, aac }: MediaStream): { codec: string; codecProps: object }[] {
  const tracks: { codec: string; codecProps: object }[] = [];
  if (hasVideo) {
    const size = avc ? pictureSize(avc.sps) : null;
    const codecProps = {
      width: size?.width ?? 0,
      height: size?.height ?? 0,
      profile: avc ? profileName(avc.sps) : '',
      level: avc ? levelName(avc.sps) : '',
    };
    tracks.push({ codec: 'H264', codecProps });
  }
  if (aac) {
    const { sampleRate, channelCount } = aac;
    tracks.push({ codec: 'MPEG-4 Audio', codecProps: { sampleRate, channelCount } });
  }
  return tracks;
}

/** A connection that carries RTMP media, over RTMP or HTTP-FLV. */
export interface RtmpLike {
  id: string;
  created: Date;
  remoteAddr: string;
  state: 'idle' | 'read' | 'publish';
  path: string;
  query: string;
  user: string;
  userAgent: string;
  inboundBytes: number;
  outboundBytes: number;
  close(reason: string): void;
}

export function rtmpItem(connection: RtmpLike): object {
  const { inboundBytes, outboundBytes } = connection;
  return {
    id: connection.id,
    created: goTime(connection.created),
    remoteAddr: connection.remoteAddr,
    state: connection.state,
    path: connection.path,
    query: connection.query,
    user: connection.user,
    userAgent: connection.userAgent,
    inboundBytes,
    outboundBytes,
    outboundFramesDiscarded: 0,
    bytesReceived: inboundBytes,
    bytesSent: outboundBytes,
  };
}

export function rtspConnItem(connection: RtspConnection): object {
  const { inboundBytes, outboundBytes } = connection;
  return {
    id: connection.id,
    created: goTime(connection.created),
    remoteAddr: connection.remoteAddr,
    session: connection.session?.id ?? null,
    tunnel: 'none',
    inboundBytes,
    outboundBytes,
    bytesReceived: inboundBytes,
    bytesSent: outboundBytes,
  };
}

export function rtspSessionItem(session: RtspSession): object {
  const ingest = [...session.ingest.values()].map(({ stats }) => stats);
  const egress = [...session.egress.values()].map(({ stats }) => stats);
  const inbound = {
    bytes: session.inbound.bytes,
    packets: sum(ingest.map(({ packets }) => packets)),
    lost: sum(ingest.map(({ lost }) => lost)),
    inError: sum(ingest.map(({ inError }) => inError)),
    reports: session.inbound.reports,
  };
  const outbound = {
    bytes: sum(egress.map(({ bytes }) => bytes)),
    packets: sum(egress.map(({ packets }) => packets)),
    reports: sum(egress.map(({ reports }) => reports)),
  };
  const set = ingest.length + egress.length > 0;
  return {
    id: session.id,
    created: goTime(session.created),
    remoteAddr: session.carrier.remoteAddr,
    state: session.state,
    path: session.path,
    query: session.query,
    user: session.user,
    userAgent: session.userAgent,
    transport: set ? 'TCP' : null,
    profile: set ? 'AVP' : null,
    conns: [session.carrier.id],
    inboundBytes: inbound.bytes,
    inboundRTPPackets: inbound.packets,
    inboundRTPPacketsLost: inbound.lost,
    inboundRTPPacketsInError: inbound.inError,
    inboundRTPPacketsJitter: 0,
    inboundRTCPPackets: inbound.reports,
    inboundRTCPPacketsInError: 0,
    outboundBytes: outbound.bytes,
    outboundRTPPackets: outbound.packets,
    outboundRTPPacketsReportedLost: 0,
    outboundRTPPacketsDiscarded: 0,
    outboundRTCPPackets: outbound.reports,
    bytesReceived: inbound.bytes,
    bytesSent: outbound.bytes,
    rtpPacketsReceived: inbound.packets,
    rtpPacketsSent: outbound.packets,
    rtpPacketsLost: inbound.lost,
    rtpPacketsInError: inbound.inError,
    rtpPacketsJitter: 0,
    rtcpPacketsReceived: inbound.reports,
    rtcpPacketsSent: outbound.reports,
    rtcpPacketsInError: 0,
  };
}

export function hlsSessionItem({ id, created, viewer, outboundBytes }: HlsSession): object {
  const { remoteAddr, path, query, user, userAgent } = viewer;
  return {
    id,
    created: goTime(created),
    remoteAddr,
    path,
    query,
    user,
    userAgent,
    isCDN: false,
    outboundBytes,
  };
}

export function hlsMuxerItem({ path, created, lastRequest, outboundBytes }: HlsMuxer): object {
  return {
    path,
    created: goTime(created),
    lastRequest: goTime(lastRequest),
    outboundBytes,
    outboundFramesDiscarded: 0,
    bytesSent: outboundBytes,
  };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
