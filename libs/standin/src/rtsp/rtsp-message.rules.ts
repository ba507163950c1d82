/** What arrives on an RTSP/TCP connection. */
export type RtspEvent =
  | { kind: 'request'; method: string; url: string; headers: Map<string, string>; body: Buffer }
  | { kind: 'response'; status: number; headers: Map<string, string>; body: Buffer }
  | { kind: 'frame'; channel: number; data: Buffer };

const HEAD_MAX_BYTES = 16 * 1024;
const BODY_MAX_BYTES = 128 * 1024;
const INTERLEAVED = 0x24;
const REQUEST_LINE = /^([A-Z_]{2,32}) (\S{1,4096}) RTSP\/1\.0$/;
const STATUS_LINE = /^RTSP\/1\.0 (\d{3})(?: .*)?$/;

/** Cuts a byte stream into RTSP messages and interleaved frames (RFC 2326, 10.12); throws on what is neither. */
export class RtspReader {
  private pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): RtspEvent[] {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    const events: RtspEvent[] = [];
    for (let event = this.next(); event; event = this.next()) events.push(event);
    return events;
  }

  private next(): RtspEvent | undefined {
    if (this.pending.length === 0) return undefined;
    return this.pending[0] === INTERLEAVED ? this.nextFrame() : this.nextMessage();
  }

  private nextFrame(): RtspEvent | undefined {
    if (this.pending.length < 4) return undefined;
    const end = 4 + this.pending.readUInt16BE(2);
    if (this.pending.length < end) return undefined;
    const frame = this.take(end);
    return { kind: 'frame', channel: frame[1] ?? 0, data: frame.subarray(4) };
  }

  private nextMessage(): RtspEvent | undefined {
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0 || end > HEAD_MAX_BYTES) {
      if (this.pending.length > HEAD_MAX_BYTES || !isText(this.pending)) throw new Error('not RTSP');
      return undefined;
    }
    const lines = this.pending.toString('latin1', 0, end).split('\r\n');
    const headers = parseHeaders(lines.slice(1));
    const bodyBytes = Number(headers.get('content-length') ?? '0');
    if (!Number.isInteger(bodyBytes) || bodyBytes < 0 || bodyBytes > BODY_MAX_BYTES)
      throw new Error('bad length');
    if (this.pending.length < end + 4 + bodyBytes) return undefined;
    const body = this.take(end + 4 + bodyBytes).subarray(end + 4);
    return withStartLine(lines[0] ?? '', headers, body);
  }

  private take(bytes: number): Buffer {
    const taken = this.pending.subarray(0, bytes);
    this.pending = this.pending.subarray(bytes);
    return taken;
  }
}

function withStartLine(line: string, headers: Map<string, string>, body: Buffer): RtspEvent {
  const [, method, url] = REQUEST_LINE.exec(line) ?? [];
  if (method && url) return { kind: 'request', method, url, headers, body };
  const status = STATUS_LINE.exec(line)?.[1];
  if (!status) throw new Error('not RTSP');
  return { kind: 'response', status: Number(status), headers, body };
}

function parseHeaders(lines: string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error('not a header');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

/** Whether the bytes so far can still become a message's head. */
function isText(data: Buffer): boolean {
  return data
    .subarray(0, 64)
    .every((byte) => byte === 0x0d || byte === 0x0a || (byte >= 0x20 && byte < 0x7f));
}

const REASONS: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  454: 'Session Not Found',
  461: 'Unsupported Transport',
  501: 'Not Implemented',
};

/** Writes an answer; the body's length is added. */
export function formatResponse(status: number, headers: Record<string, string>, body = ''): string {
  return formatMessage(`RTSP/1.0 ${status} ${REASONS[status] ?? 'Error'}`, headers, body);
}

/** Writes a request. */
export function formatRequest(method: string, url: string, headers: Record<string, string>): string {
  return formatMessage(`${method} ${url} RTSP/1.0`, headers, '');
}

function formatMessage(startLine: string, headers: Record<string, string>, body: string): string {
  const all = body ? { ...headers, 'Content-Length': String(Buffer.byteLength(body)) } : headers;
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${[startLine, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

/** Wraps RTP or RTCP for its channel. */
export function formatFrame(channel: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([INTERLEAVED, channel, data.length >> 8, data.length & 0xff]), data]);
}
