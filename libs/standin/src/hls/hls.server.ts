import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AuthDeniedError, NoStreamError } from '../auth/access.errors';
import { httpCredentials } from '../auth/credentials.rules';
import { addressOf, type Context, ipOf } from '../context';
import { goJson } from '../go-json.rules';
import { sendJson, sendNotFound, splitUrl } from '../http';
import { closeServer, listen } from '../listen';
import { avcCodecTag } from '../media/avc.rules';
import { pictureSize } from '../media/nms';
import { HlsMuxer } from './hls.muxer';
import { HlsSession } from './hls.session';
import { hlsRequest, multivariantPlaylist, withoutCookieCheck, withParam, withQuery } from './playlist.rules';

const SESSION_CLOSE_AFTER_MS = 30_000;
const MUXER_CLOSE_AFTER_MS = 60_000;
const FIRST_SEGMENT_WITHIN_MS = 10_000;
const SWEEP_EVERY_MS = 10_000;
const PAGE = '<!doctype html><title>stream</title><video src="index.m3u8" controls autoplay muted></video>';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  query: string;
}

/** The HLS port: authorised once per session, which then goes along in every URI. */
export class HlsServer {
  readonly sessions = new Map<string, HlsSession>();
  readonly muxers = new Map<string, HlsMuxer>();
  private readonly server = createServer((request, response) => {
    void this.handle(request, response).catch((error: unknown) => this.fail(response, error));
  });
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    private readonly context: Context,
    private readonly ffmpegPath: string,
  ) {
    this.server.requestTimeout = context.readTimeoutMs;
    this.sweeper = setInterval(() => this.sweep(), SWEEP_EVERY_MS);
    this.sweeper.unref();
  }

  listen(port: number): Promise<number> {
    return listen(this.server, this.context.host, port);
  }

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    const closed = closeServer(this.server);
    for (const muxer of this.muxers.values()) muxer.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Server', 'mediamtx');
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
      response.setHeader('Access-Control-Allow-Methods', 'OPTIONS, GET');
      response.setHeader('Access-Control-Allow-Headers', 'Authorization, Range');
      response.writeHead(204).end();
      return;
    }
    const { path, query } = splitUrl(request.url ?? '/');
    const wanted = hlsRequest(path);
    const exchange = { request, response, query };
    if (request.method !== 'GET' || wanted.kind === 'none') return sendNotFound(response);
    if (wanted.kind === 'slash') return redirect(response, `${path}/`, query);
    if (wanted.kind === 'page') return this.page(exchange, wanted.path);
    if (wanted.kind === 'index') return this.index(exchange, path, wanted.path);
    return this.file(exchange, wanted.path, wanted.file);
  }

  private async page({ request, response, query }: Exchange, path: string): Promise<void> {
    await this.enter(request, { path, query, id: null, userAgent: '' });
    response.setHeader('Content-Type', 'text/html');
    response.writeHead(200).end(PAGE);
  }

  private async index(exchange: Exchange, urlPath: string, path: string): Promise<void> {
    const { request, response } = exchange;
    if (new URLSearchParams(exchange.query).get('cookieCheck') !== '1') {
      response.setHeader('Set-Cookie', 'cookieCheck=1; HttpOnly; Secure; SameSite=None; Partitioned');
      return redirect(response, urlPath, withParam(exchange.query, 'cookieCheck', '1'));
    }
    const query = withoutCookieCheck(exchange.query);
    const session = await this.open(request, response, path, query);
    const { muxer } = session;
    if (!muxer || !(await muxer.ready(FIRST_SEGMENT_WITHIN_MS))) {
      session.close();
      throw new Error('muxer instance not available');
    }
    const { avc, aac } = muxer.stream;
    const playlist = multivariantPlaylist({
      codecs: [...(avc ? [avcCodecTag(avc)] : []), ...(aac ? [`mp4a.40.${aac.objectType}`] : [])],
      size: avc ? pictureSize(avc.sps) : null,
      query: withParam(query, 'session', session.secret),
    });
    this.sendPlaylist(response, playlist, session);
  }

  private async open(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
  ): Promise<HlsSession> {
    const userAgent = request.headers['user-agent'] ?? '';
    const session = new HlsSession(
      {
        ip: ipOf(request.socket),
        remoteAddr: addressOf(request.socket),
        path,
        query,
        user: httpCredentials(request.headers.authorization).user,
        userAgent,
      },
      (closed) => this.forget(closed),
    );
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await this.enter(request, { path, query, id: session.id, userAgent });
    const stream = await this.context.hub.read(path, session, gone.signal);
    this.sessions.set(session.id, session);
    try {
      session.muxer = this.muxers.get(path) ?? (await this.openMuxer(path));
    } catch (error) {
      session.close();
      throw error;
    }
    stream.attach(session);
    return session;
  }

  private async openMuxer(path: string): Promise<HlsMuxer> {
    const member = { muxer: undefined as HlsMuxer | undefined };
    const hidden = { ref: { type: 'hidden', id: '' }, hidden: true, close: () => member.muxer?.close() };
    const stream = await this.context.hub.read(path, hidden);
    const known = this.muxers.get(path);
    if (known) {
      this.context.hub.leave(path, hidden);
      return known;
    }
    const muxer = new HlsMuxer(this.ffmpegPath, path, stream, () => {
      this.muxers.delete(path);
      for (const session of this.sessions.values()) if (session.muxer === muxer) session.close();
      this.context.hub.leave(path, hidden);
    });
    member.muxer = muxer;
    this.muxers.set(path, muxer);
    return muxer;
  }

  private async file({ request, response, query }: Exchange, path: string, name: string): Promise<void> {
    const muxer = this.muxers.get(path);
    const session = muxer && this.sessionOf(request, query, muxer);
    if (!session) return sendJson(response, 401, goJson({ status: 'error', error: 'authentication error' }));
    session.lastRequest = new Date();
    muxer.lastRequest = session.lastRequest;
    const file = muxer.fileOf(name);
    const found = file && (await stat(file).catch(() => undefined));
    if (!found) return sendNotFound(response);
    if (name.endsWith('.m3u8')) {
      return this.sendPlaylist(response, withQuery(await readFile(file, 'utf8'), query), session);
    }
    response.setHeader('Content-Type', 'video/MP2T');
    response.setHeader('Content-Length', found.size);
    this.count(session, found.size);
    const content = createReadStream(file);
    content.once('error', () => response.destroy());
    response.once('close', () => content.destroy());
    content.pipe(response);
  }

  private sessionOf(request: IncomingMessage, query: string, muxer: HlsMuxer): HlsSession | undefined {
    const cookie = /(?:^|;\s*)hlsSession=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    const secret = cookie ?? new URLSearchParams(query).get('session');
    const ip = ipOf(request.socket);
    return [...this.sessions.values()].find(
      (session) => session.secret === secret && session.muxer === muxer && session.viewer.ip === ip,
    );
  }

  private sendPlaylist(response: ServerResponse, text: string, session: HlsSession): void {
    response.setHeader('Cache-Control', 'private, no-cache');
    response.setHeader('Content-Type', 'application/vnd.apple.mpegurl');
    response.setHeader('Content-Length', Buffer.byteLength(text));
    this.count(session, Buffer.byteLength(text));
    response.writeHead(200).end(text);
  }

  private count(session: HlsSession, bytes: number): void {
    session.outboundBytes += bytes;
    if (session.muxer) session.muxer.outboundBytes += bytes;
  }

  private async enter(
    request: IncomingMessage,
    who: { path: string; query: string; id: string | null; userAgent: string },
  ): Promise<void> {
    const credentials = httpCredentials(request.headers.authorization);
    const ip = ipOf(request.socket);
    await this.context.gate.enter({ ...who, action: 'read', protocol: 'hls', ip, credentials, canAsk: true });
  }

  private forget(session: HlsSession): void {
    this.sessions.delete(session.id);
    this.context.hub.leave(session.viewer.path, session);
  }

  private sweep(): void {
    const now = Date.now();
    for (const session of this.sessions.values()) {
      if (now - session.lastRequest.getTime() >= SESSION_CLOSE_AFTER_MS) session.close();
    }
    for (const muxer of this.muxers.values()) {
      if (now - muxer.lastRequest.getTime() >= MUXER_CLOSE_AFTER_MS) muxer.close();
    }
  }

  private fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) return void response.destroy();
    const text = error instanceof Error ? error.message : 'error';
    if (error instanceof AuthDeniedError && error.asks) {
      response.setHeader('WWW-Authenticate', 'Basic realm="mediamtx"');
    }
    sendJson(response, statusOf(error), goJson({ status: 'error', error: text }));
  }
}

function statusOf(error: unknown): number {
  if (error instanceof AuthDeniedError) return 401;
  return error instanceof NoStreamError ? 404 : 500;
}

function redirect(response: ServerResponse, path: string, query: string): void {
  const clean = `/${path.replace(/^[/\\]+/, '')}`;
  response.setHeader('Content-Length', 0);
  response.writeHead(302, { location: encodeURI(clean) + (query ? `?${query}` : '') }).end();
}
