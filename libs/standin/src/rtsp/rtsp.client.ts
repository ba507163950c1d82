import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { MediaStream } from '../hub/media-stream';
import { IngestTrack } from './rtsp-ingest';
import { formatRequest, type RtspEvent, RtspReader } from './rtsp-message.rules';
import { parseSdp } from '../media/sdp.rules';

type RtspResponse = Extract<RtspEvent, { kind: 'response' }>;

const DEFAULT_PORT = 554;
const KEEP_ALIVE_MS = 20_000;

/** Reads one stream from another RTSP server over TCP; logs in with Basic or Digest. */
export class RtspClient {
  private readonly url: URL;
  private readonly base: string;
  private readonly socket: Socket;
  private readonly reader = new RtspReader();
  private readonly ingest = new Map<number, IngestTrack>();
  private readonly stream = new MediaStream();
  private waiting: { resolve: (response: RtspResponse) => void; reject: (error: Error) => void } | undefined;
  private keepAlive: NodeJS.Timeout | undefined;
  private challenge = '';
  private session = '';
  private cseq = 0;

  constructor(
    source: string,
    timeoutMs: number,
    private readonly onClosed: () => void,
  ) {
    this.url = new URL(source);
    this.base = `rtsp://${this.url.host}${this.url.pathname}${this.url.search}`;
    this.socket = connect(Number(this.url.port) || DEFAULT_PORT, this.url.hostname.replace(/^\[|\]$/g, ''));
    this.socket.setTimeout(timeoutMs, () => this.close());
    this.socket.on('data', (data) => this.receive(data));
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('close', () => this.closed());
  }

  /** Resolves with the stream when it plays; never rejects: a failure closes the client. */
  async play(): Promise<MediaStream | undefined> {
    const described = await this.ask('DESCRIBE', this.base, { Accept: 'application/sdp' });
    const medias = parseSdp(described.body.toString('utf8')) ?? [];
    const contentBase = described.headers.get('content-base') ?? `${this.base}/`;
    const startedMs = Date.now();
    for (const media of medias) {
      if (media.codec === 'other') continue;
      const channel = this.ingest.size * 2;
      const control = /^rtsp:/i.test(media.control) ? media.control : contentBase + media.control;
      const transport = `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`;
      const setup = await this.ask('SETUP', control, { Transport: transport });
      this.session = setup.headers.get('session')?.split(';')[0] ?? this.session;
      this.ingest.set(channel, new IngestTrack(media, this.stream, () => Date.now() - startedMs));
    }
    await this.ask('PLAY', this.base);
    this.keepAlive = setInterval(() => this.send('OPTIONS', this.base), KEEP_ALIVE_MS);
    return this.ingest.size > 0 ? this.stream : undefined;
  }

  close(): void {
    this.socket.destroy();
    this.closed();
  }

  private async ask(
    method: string,
    url: string,
    headers: Record<string, string> = {},
  ): Promise<RtspResponse> {
    let response = await this.exchange(method, url, headers);
    const challenge = response.headers.get('www-authenticate');
    if (response.status === 401 && challenge && !this.challenge && this.url.username) {
      this.challenge = challenge;
      response = await this.exchange(method, url, headers);
    }
    if (response.status !== 200) throw new Error(`${method} answered ${response.status}`);
    return response;
  }

  private exchange(method: string, url: string, headers: Record<string, string>): Promise<RtspResponse> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.send(method, url, headers);
    });
  }

  private send(method: string, url: string, headers: Record<string, string> = {}): void {
    const all: Record<string, string> = {
      CSeq: String(++this.cseq),
      'User-Agent': 'rovercast-standin',
      ...headers,
    };
    if (this.session) all.Session = this.session;
    if (this.challenge) all.Authorization = this.authorization(method, url);
    this.socket.write(formatRequest(method, url, all));
  }

  private authorization(method: string, url: string): string {
    const user = decodeURIComponent(this.url.username);
    const password = decodeURIComponent(this.url.password);
    if (!/^digest/i.test(this.challenge)) {
      return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    }
    const field = (name: string): string =>
      new RegExp(`${name}="([^"]*)"`, 'i').exec(this.challenge)?.[1] ?? '';
    const [realm, nonce] = [field('realm'), field('nonce')];
    const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${md5(`${method}:${url}`)}`);
    return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${url}", response="${response}"`;
  }

  private receive(data: Buffer): void {
    try {
      for (const event of this.reader.push(data)) {
        if (event.kind === 'frame') this.ingest.get(event.channel)?.take(event.data);
        if (event.kind === 'response') this.waiting?.resolve(event);
      }
    } catch {
      this.close();
    }
  }

  private closed(): void {
    clearInterval(this.keepAlive);
    this.waiting?.reject(new Error('closed'));
    this.onClosed();
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
