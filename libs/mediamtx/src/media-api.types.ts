/** The list and kick endpoints of the v3 API, one per kind of session (mediamtx.md 3.2). */
export const SESSION_KINDS = [
  'rtspsessions',
  'rtspssessions',
  'rtmpconns',
  'rtmpsconns',
  'srtconns',
  'webrtcsessions',
  'hlssessions',
] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

export type SessionProtocol = 'rtsp' | 'rtmp' | 'srt' | 'webrtc' | 'hls';
export type SessionState = 'idle' | 'read' | 'publish';

/** Which run of which server answered; another `started` means that every session and counter is new. */
export interface NodeIncarnation {
  version: string;
  started: string;
}

/** One client's connection. `query` is left out on purpose: it holds credentials. */
export interface MediaSession {
  id: string;
  kind: SessionKind;
  protocol: SessionProtocol;
  path: string;
  state: SessionState;
  user: string;
  remoteAddr: string;
  userAgent: string;
  createdAt: Date;
  inboundBytes: number;
  outboundBytes: number;
}

/** `type` as MediaMTX names it (`rtmpConn`, `rtspSession`, `hlsSession`, …); `id` is "" for a static source. */
export interface MediaEndpointRef {
  type: string;
  id: string;
}

export interface MediaTrack {
  codec: string;
  width?: number;
  height?: number;
}

/** One path. `available` says whether it can be watched; `online` is also true for a pull that is merely configured. */
export interface MediaPath {
  name: string;
  available: boolean;
  availableAt: Date | null;
  online: boolean;
  source: MediaEndpointRef | null;
  readers: MediaEndpointRef[];
  tracks: MediaTrack[];
  inboundBytes: number;
  outboundBytes: number;
}

/** A complete view of one node; partial views do not exist. */
export interface MediaSnapshot {
  node: NodeIncarnation;
  paths: MediaPath[];
  sessions: MediaSession[];
  takenAt: Date;
}

/** What we set of a path's configuration; durations in Go's notation (`10s`). */
export interface MediaPathConfig {
  source?: string;
  sourceOnDemand?: boolean;
  sourceOnDemandStartTimeout?: string;
  sourceOnDemandCloseAfter?: string;
  rtspTransport?: 'automatic' | 'udp' | 'multicast' | 'tcp';
  [key: string]: unknown;
}
