import { MediaApiError } from './media-api.error';
import { parseInfo, parsePaths, parseSessions } from './media-api.rules';
import {
  type MediaPath,
  type MediaPathConfig,
  type MediaSession,
  type MediaSnapshot,
  type NodeIncarnation,
  SESSION_KINDS,
  type SessionKind,
} from './media-api.types';

/** `apiUrl` may carry `user:pass@`; `timeoutMs` bounds each HTTP call. */
export interface MediaMtxClientOptions {
  apiUrl: string;
  timeoutMs: number;
}

interface Answer {
  status: number;
  contentType: string;
  body: string;
}

interface Call {
  method?: 'GET' | 'POST' | 'DELETE';
  json?: unknown;
  signal?: AbortSignal;
}

/** One page that holds everything: the API answers a whole list from one moment only when it is not paged. */
const WHOLE_LIST = 'itemsPerPage=1000000';
const RESPONSE_MAX_BYTES = 64 * 1024 * 1024;

/** Calls the v3 API of one MediaMTX v1.20 node (mediamtx.md section 3). Every method throws MediaApiError only. */
export class MediaMtxClient {
  private readonly base: string;
  private readonly authorization: string | undefined;
  private readonly timeoutMs: number;

  constructor({ apiUrl, timeoutMs }: MediaMtxClientOptions) {
    const url = new URL(apiUrl);
    if (url.username || url.password) {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      this.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    this.base = url.origin + url.pathname.replace(/\/+$/, '');
    this.timeoutMs = timeoutMs;
  }

  /** Which run of the server this is. */
  async info(signal?: AbortSignal): Promise<NodeIncarnation> {
    return parseInfo(await this.json('/v3/info', { signal }));
  }

  /** Every path that the node knows. */
  async listPaths(signal?: AbortSignal): Promise<MediaPath[]> {
    return parsePaths(await this.json(`/v3/paths/list?${WHOLE_LIST}`, { signal }));
  }

  /** Every session of every protocol that the node serves; a server that is switched off adds none. */
  async listSessions(signal?: AbortSignal): Promise<MediaSession[]> {
    const lists = await Promise.all(SESSION_KINDS.map((kind) => this.listKind(kind, signal)));
    return lists.flat();
  }

  /** Paths and sessions of one incarnation, complete, or an error. */
  async snapshot(): Promise<MediaSnapshot> {
    const abort = new AbortController();
    try {
      const node = await this.info(abort.signal);
      const [paths, sessions] = await Promise.all([
        this.listPaths(abort.signal),
        this.listSessions(abort.signal),
      ]);
      const after = await this.info(abort.signal);
      if (after.started !== node.started || after.version !== node.version) {
        throw new MediaApiError('malformed', 'the media server restarted while it was listed');
      }
      return { node, paths, sessions, takenAt: new Date() };
    } catch (error) {
      abort.abort();
      throw error;
    }
  }

  /** Ends one session; one that is already gone counts as ended. */
  async kick(kind: SessionKind, id: string): Promise<void> {
    const path = `/v3/${kind}/kick/${encodeURIComponent(id)}`;
    const answer = await this.call(path, { method: 'POST' });
    if (answer.status !== 404 || isDisabled(answer)) expectOk(path, answer);
  }

  /** Adds a path's configuration; an existing one is a `status` error (400). */
  async addPath(name: string, config: MediaPathConfig): Promise<void> {
    await this.configure('add', name, config);
  }

  /** Sets a path's whole configuration, new or existing. */
  async replacePath(name: string, config: MediaPathConfig): Promise<void> {
    await this.configure('replace', name, config);
  }

  /** Removes a path's configuration; one that is already gone counts as removed. */
  async deletePath(name: string): Promise<void> {
    const path = `/v3/config/paths/delete/${encodeURIComponent(name)}`;
    const answer = await this.call(path, { method: 'DELETE' });
    if (answer.status !== 404 || isDisabled(answer)) expectOk(path, answer);
  }

  private async configure(verb: 'add' | 'replace', name: string, config: MediaPathConfig): Promise<void> {
    const path = `/v3/config/paths/${verb}/${encodeURIComponent(name)}`;
    expectOk(path, await this.call(path, { method: 'POST', json: config }));
  }

  private async listKind(kind: SessionKind, signal?: AbortSignal): Promise<MediaSession[]> {
    const path = `/v3/${kind}/list?${WHOLE_LIST}`;
    const answer = await this.call(path, { signal });
    return isDisabled(answer) ? [] : parseSessions(kind, parseJson(path, expectOk(path, answer)));
  }

  private async json(path: string, call: Call): Promise<unknown> {
    return parseJson(path, expectOk(path, await this.call(path, call)));
  }

  private async call(path: string, { method = 'GET', json, signal }: Call): Promise<Answer> {
    const timeout = AbortSignal.timeout(this.timeoutMs);
    const headers: Record<string, string> = {};
    if (this.authorization) headers.authorization = this.authorization;
    if (json !== undefined) headers['content-type'] = 'application/json';
    try {
      const response = await fetch(this.base + path, {
        method,
        headers,
        body: json === undefined ? undefined : JSON.stringify(json),
        redirect: 'manual',
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        body: await readCapped(path, response),
      };
    } catch (error) {
      if (error instanceof MediaApiError) throw error;
      if (timeout.aborted) {
        throw new MediaApiError('timeout', `${route(path)}: no answer within ${this.timeoutMs} ms`);
      }
      throw new MediaApiError('unreachable', `${route(path)}: ${networkCode(error)}`);
    }
  }
}

async function readCapped(path: string, response: Response): Promise<string> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > RESPONSE_MAX_BYTES) {
      throw new MediaApiError('malformed', `${route(path)}: answer larger than 64 MiB`, response.status);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function expectOk(path: string, answer: Answer): Answer {
  const { status } = answer;
  if (status >= 200 && status <= 299) return answer;
  if (status === 401 || status === 403) {
    throw new MediaApiError('unauthorized', `${route(path)}: refused with ${status}`, status);
  }
  throw new MediaApiError('status', `${route(path)}: ${status}${reason(answer)}`, status);
}

function parseJson(path: string, answer: Answer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    throw new MediaApiError('malformed', `${route(path)}: not JSON`, answer.status);
  }
}

/** The router's own 404 is plain text and means that the protocol's server is off; an API 404 is JSON. */
function isDisabled(answer: Answer): boolean {
  return answer.status === 404 && answer.contentType.startsWith('text/plain');
}

/** The server's own words, short, without the user-info of a URL that they may quote. */
function reason(answer: Answer): string {
  try {
    const { error } = JSON.parse(answer.body) as { error?: unknown };
    return typeof error === 'string' ? ` ${error.slice(0, 200).replace(/\/\/\S*@/g, '//***@')}` : '';
  } catch {
    return '';
  }
}

function route(path: string): string {
  return path.split('?')[0] ?? path;
}

function networkCode(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'connection failed';
}
