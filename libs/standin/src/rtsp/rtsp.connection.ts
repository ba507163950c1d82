import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { AuthDeniedError, NoStreamError } from '../auth/access.errors';
import { basicCredentials } from '../auth/credentials.rules';
import { addressOf, BACKLOG_MAX_BYTES, type Context, ipOf } from '../context';
import { formatResponse, type RtspEvent, RtspReader } from './rtsp-message.rules';
import { RtspSession, type SessionCarrier } from './rtsp.session';
import { interleavedChannel, rtspTarget, type RtspTarget } from './rtsp-url.rules';
import { formatSdp, offeredTracks, parseSdp } from '../media/sdp.rules';

type RtspRequest = Extract<RtspEvent, { kind: 'request' }>;

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

const METHODS = 'DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, GET_PARAMETER, TEARDOWN';
const KNOWN = new Set(['OPTIONS', 'SET_PARAMETER', ...METHODS.split(', ')]);
const CHALLENGE = 'Basic realm="ipcam"';
const SESSION_TIMEOUT_S = 55;
/** MediaMTX lets a connection that does nothing stay; here it goes after a while. */
const IDLE_TIMEOUT_MS = 60_000;
const PENDING_MAX = 256;
/** Answers after which gortsplib keeps the connection. */
const KEEPS_OPEN = new Set([200, 461, 501]);

/** One RTSP/TCP connection and the session that it carries. */
export class RtspConnection implements SessionCarrier {
  readonly id = randomUUID();
  readonly created = new Date();
  readonly remoteAddr: string;
  session: RtspSession | undefined;
  private readonly reader = new RtspReader();
  private readonly gone = new AbortController();
  private readonly pending: RtspEvent[] = [];
  private busy = false;

  constructor(
    private readonly socket: Socket,
    private readonly context: Context,
    private readonly onClosed: (connection: RtspConnection) => void,
  ) {
    this.remoteAddr = addressOf(socket);
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => this.timedOut());
    socket.on('data', (data) => this.receive(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.closed());
  }

  get inboundBytes(): number {
    return this.socket.bytesRead;
  }

  get outboundBytes(): number {
    return this.socket.bytesWritten;
  }

  write(data: Buffer | string): void {
    if (this.socket.destroyed) return;
    if (this.socket.writableLength > BACKLOG_MAX_BYTES) return this.close('the reader is too slow');
    this.socket.write(data);
  }

  close(reason: string): void {
    if (!this.socket.destroyed) this.context.log({ msg: 'rtsp closed', id: this.id, reason });
    this.socket.destroy();
    this.closed();
  }

  /** A reader may be silent while we send; a publisher may not. */
  private timedOut(): void {
    if (!this.busy && this.session?.step !== 'play') this.close('timed out');
  }

  private receive(data: Buffer): void {
    try {
      this.pending.push(...this.reader.push(data));
    } catch {
      if (!this.socket.destroyed) this.socket.end(formatResponse(400, {}));
      return this.close('not RTSP');
    }
    if (this.pending.length > PENDING_MAX && this.busy) return this.close('too many requests');
    void this.work();
  }

  /** Requests are answered one after the other. */
  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (let event = this.pending.shift(); event; event = this.pending.shift()) {
      if (event.kind === 'frame') this.session?.receive(event.channel, event.data);
      if (event.kind === 'request') await this.answer(event);
    }
    this.busy = false;
  }

  private async answer(request: RtspRequest): Promise<void> {
    const cseq = request.headers.get('cseq');
    if (cseq === undefined) return this.finish(formatResponse(400, { Server: 'gortsplib' }));
    if (!KNOWN.has(request.method)) return this.close('unknown method');
    const reply = await this.perform(request).catch((error: unknown) => this.refusal(error));
    if (this.socket.destroyed) return;
    const headers = { CSeq: cseq, ...reply.headers, Server: 'gortsplib', ...this.sessionHeader(reply) };
    const text = formatResponse(reply.status, headers, reply.body);
    const challenged = reply.headers?.['WWW-Authenticate'] !== undefined;
    if (!KEEPS_OPEN.has(reply.status) && !challenged) return this.finish(text);
    this.write(text);
    if (reply.status === 200 && request.method === 'PLAY') this.session?.play();
  }

  private finish(lastWords: string): void {
    this.socket.end(lastWords);
    this.session?.end();
    this.socket.setTimeout(1_000, () => this.socket.destroy());
  }

  private sessionHeader(reply: Reply): Record<string, string> {
    const named = this.session && !['initial', 'announced'].includes(this.session.step);
    const shown = named && (reply.status === 200 || reply.status === 461);
    return shown ? { Session: `${this.session?.key ?? ''};timeout=${SESSION_TIMEOUT_S}` } : {};
  }

  private refusal(error: unknown): Reply {
    if (error instanceof AuthDeniedError) {
      if (!error.asks) this.context.log({ msg: 'rtsp denied', id: this.id });
      return { status: 401, headers: error.asks ? { 'WWW-Authenticate': CHALLENGE } : {} };
    }
    return { status: error instanceof NoStreamError ? 404 : 400 };
  }

  private async perform(request: RtspRequest): Promise<Reply> {
    const { method } = request;
    if (method === 'OPTIONS') return { status: 200, headers: { Public: METHODS } };
    const key = request.headers.get('session')?.split(';')[0];
    if (key !== undefined && key !== this.session?.key) return { status: 454 };
    const target = rtspTarget(request.url);
    if (!target) return { status: 400 };
    if (method === 'DESCRIBE') return this.describe(request, target);
    if (method === 'ANNOUNCE') return this.announce(request, target);
    if (method === 'SETUP') return this.setup(request, target);
    if (key === undefined || !this.session) return { status: 501 };
    return this.control(method, request, this.session);
  }

  private control(method: string, request: RtspRequest, session: RtspSession): Reply {
    switch (method) {
      case 'PLAY':
        if (session.step === 'play') return { status: 200 };
        return session.step === 'readyToPlay' ? this.rtpInfo(request, session) : { status: 400 };
      case 'RECORD':
        if (session.step !== 'readyToRecord') return { status: 400 };
        session.record();
        this.socket.setTimeout(this.context.readTimeoutMs);
        return { status: 200 };
      case 'PAUSE':
        if (session.step !== 'play') return { status: 400 };
        session.pause();
        return { status: 200 };
      case 'TEARDOWN':
        session.end();
        this.session = undefined;
        return { status: 200 };
      default:
        return { status: 200, headers: { 'Content-Type': 'text/parameters' } };
    }
  }

  private rtpInfo(request: RtspRequest, session: RtspSession): Reply {
    const base = request.url.split('?')[0]?.replace(/\/$/, '') ?? '';
    const entries = [...session.egress].map(
      ([track, { nextSequence }]) => `url=${base}/trackID=${track};seq=${nextSequence}`,
    );
    return { status: 200, headers: { 'RTP-Info': entries.join(',') } };
  }

  private async describe(request: RtspRequest, target: RtspTarget): Promise<Reply> {
    await this.enter(request, target, { action: 'read', id: this.id, userAgent: '' });
    const stream = await this.context.hub.describe(target.path, this.gone.signal);
    const headers = { 'Content-Base': `${request.url}/`, 'Content-Type': 'application/sdp' };
    return { status: 200, headers, body: formatSdp(offeredTracks(stream)) };
  }

  private async announce(request: RtspRequest, target: RtspTarget): Promise<Reply> {
    const isSdp = request.headers.get('content-type') === 'application/sdp';
    const medias = isSdp ? parseSdp(request.body.toString('utf8')) : undefined;
    const session = this.openSession();
    if (!medias || session.step !== 'initial') return { status: 400 };
    const userAgent = request.headers.get('user-agent') ?? '';
    await this.enter(request, target, { action: 'publish', id: session.id, userAgent });
    this.take(session, request, target);
    session.announce(medias);
    return { status: 200 };
  }

  private async setup(request: RtspRequest, target: RtspTarget): Promise<Reply> {
    const session = this.openSession();
    const channel = interleavedChannel(request.headers.get('transport') ?? '', session.nextChannel);
    if (channel === undefined) return { status: 461 };
    const transport = `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`;
    if (session.step === 'announced' || session.step === 'readyToRecord') {
      return session.setupIngest(request.url, channel)
        ? { status: 200, headers: { Transport: transport } }
        : { status: 400 };
    }
    if (target.track === undefined) return { status: 400 };
    if (session.step === 'initial') {
      const userAgent = request.headers.get('user-agent') ?? '';
      await this.enter(request, target, { action: 'read', id: session.id, userAgent });
      this.take(session, request, target);
      await session.join(this.gone.signal);
    }
    if (session.path !== target.path) return { status: 400 };
    const egress = session.setupEgress(target.track, channel);
    if (!egress) return { status: 400 };
    const ssrc = egress.ssrc.toString(16).toUpperCase().padStart(8, '0');
    return { status: 200, headers: { Transport: `${transport};ssrc=${ssrc}` } };
  }

  private openSession(): RtspSession {
    this.session ??= new RtspSession(this, this.context);
    return this.session;
  }

  private take(session: RtspSession, request: RtspRequest, { path, query }: RtspTarget): void {
    session.path = path;
    session.query = query;
    session.user = basicCredentials(request.headers.get('authorization')).user;
    session.userAgent = request.headers.get('user-agent') ?? '';
  }

  private async enter(
    request: RtspRequest,
    { path, query }: RtspTarget,
    who: { action: 'publish' | 'read'; id: string; userAgent: string },
  ): Promise<void> {
    const credentials = basicCredentials(request.headers.get('authorization'));
    const ip = ipOf(this.socket);
    await this.context.gate.enter({ ...who, path, query, protocol: 'rtsp', ip, credentials, canAsk: true });
  }

  private closed(): void {
    if (this.gone.signal.aborted) return;
    this.gone.abort();
    this.session?.end();
    this.onClosed(this);
  }
}
