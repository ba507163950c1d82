import { MediaApiError } from './media-api.error';
import {
  type MediaEndpointRef,
  type MediaPath,
  type MediaSession,
  type MediaTrack,
  type NodeIncarnation,
  SESSION_KINDS,
  type SessionKind,
  type SessionProtocol,
  type SessionState,
} from './media-api.types';

type Fields = Record<string, unknown>;

const PROTOCOLS: Record<SessionKind, SessionProtocol> = {
  rtspsessions: 'rtsp',
  rtspssessions: 'rtsp',
  rtmpconns: 'rtmp',
  rtmpsconns: 'rtmp',
  srtconns: 'srt',
  webrtcsessions: 'webrtc',
  hlssessions: 'hls',
};

/** The kick endpoint for a `source.type` or `readers[].type`; undefined when nothing of that type can be kicked. */
export function kindOfEndpoint(type: string): SessionKind | undefined {
  const kind = `${type.toLowerCase()}s`;
  return SESSION_KINDS.find((known) => known === kind);
}

/** Parses the answer of `/v3/info`. */
export function parseInfo(body: unknown): NodeIncarnation {
  const item = fields(body, 'info');
  return { version: text(item, 'version'), started: timeText(item, 'started') };
}

/** Parses one whole-list answer of `/v3/paths/list`. */
export function parsePaths(body: unknown): MediaPath[] {
  return unique(items(body, 'paths').map(parsePath), (path) => path.name);
}

/** Parses one whole-list answer of a session list. */
export function parseSessions(kind: SessionKind, body: unknown): MediaSession[] {
  return unique(
    items(body, kind).map((item) => parseSession(kind, item)),
    (session) => session.id,
  );
}

function parsePath(item: Fields): MediaPath {
  const available = flag(item, 'available');
  return {
    name: text(item, 'name'),
    available,
    availableAt: available ? new Date(time(item, 'availableTime')) : null,
    online: flag(item, 'online'),
    source: item.source === null ? null : parseRef(item.source),
    readers: list(item.readers, 'readers').map(parseRef),
    tracks: list(item.tracks2, 'tracks2').map(parseTrack),
    inboundBytes: count(item, 'inboundBytes'),
    outboundBytes: count(item, 'outboundBytes'),
  };
}

function parseSession(kind: SessionKind, item: Fields): MediaSession {
  // SRT names its counters bytesReceived/bytesSent; HLS has no inbound counter and no state (mediamtx.md 3.3).
  const srt = kind === 'srtconns';
  const hls = kind === 'hlssessions';
  return {
    id: text(item, 'id'),
    kind,
    protocol: PROTOCOLS[kind],
    path: text(item, 'path'),
    state: hls ? 'read' : state(item),
    user: optionalText(item, 'user'),
    remoteAddr: text(item, 'remoteAddr'),
    userAgent: optionalText(item, 'userAgent'),
    createdAt: new Date(time(item, 'created')),
    inboundBytes: hls ? 0 : count(item, srt ? 'bytesReceived' : 'inboundBytes'),
    outboundBytes: count(item, srt ? 'bytesSent' : 'outboundBytes'),
  };
}

function parseRef(value: unknown): MediaEndpointRef {
  const item = fields(value, 'endpoint');
  return { type: text(item, 'type'), id: text(item, 'id') };
}

function parseTrack(value: unknown): MediaTrack {
  const item = fields(value, 'track');
  const track: MediaTrack = { codec: text(item, 'codec') };
  const props = isFields(item.codecProps) ? item.codecProps : {};
  if (isSize(props.width) && isSize(props.height)) {
    track.width = props.width;
    track.height = props.height;
  }
  return track;
}

/** Every item of a list that must have come in one page. */
function items(body: unknown, what: string): Fields[] {
  const envelope = fields(body, what);
  const all = list(envelope.items, what);
  if (envelope.itemCount !== all.length) {
    throw malformed(`${what}: ${String(envelope.itemCount)} items announced, ${all.length} sent`);
  }
  return all.map((item) => fields(item, what));
}

function unique<T>(all: T[], keyOf: (item: T) => string): T[] {
  const seen = new Set<string>();
  for (const item of all) {
    const key = keyOf(item);
    if (seen.has(key)) throw malformed('the same item is listed twice');
    seen.add(key);
  }
  return all;
}

function malformed(message: string): MediaApiError {
  return new MediaApiError('malformed', message);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fields(value: unknown, what: string): Fields {
  if (!isFields(value)) throw malformed(`${what}: not an object`);
  return value;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw malformed(`${what}: not a list`);
  return value;
}

function text(item: Fields, key: string): string {
  const value = item[key];
  if (typeof value !== 'string') throw malformed(`${key}: not a text`);
  return value;
}

function optionalText(item: Fields, key: string): string {
  return item[key] === undefined ? '' : text(item, key);
}

function flag(item: Fields, key: string): boolean {
  const value = item[key];
  if (typeof value !== 'boolean') throw malformed(`${key}: neither true nor false`);
  return value;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function count(item: Fields, key: string): number {
  const value = item[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw malformed(`${key}: not a count`);
  }
  return value;
}

function time(item: Fields, key: string): number {
  const parsed = Date.parse(text(item, key));
  if (Number.isNaN(parsed)) throw malformed(`${key}: not a time`);
  return parsed;
}

function state(item: Fields): SessionState {
  const value = item.state;
  if (value !== 'idle' && value !== 'read' && value !== 'publish') throw malformed('state: unknown');
  return value;
}

function timeText(item: Fields, key: string): string {
  time(item, key);
  return text(item, key);
}
