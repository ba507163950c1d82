import { SESSION_KINDS, type SessionKind } from '@rovercast/mediamtx';
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeSession {
  id: string;
  kind: SessionKind;
  user: string;
  path: string;
  state: 'idle' | 'read' | 'publish';
  created: string;
  outboundBytes: number;
}

/** How the server takes a kick: `deaf` answers well and does nothing. */
export type KickAnswer = 'ok' | 'gone' | 'error' | 'silence' | 'deaf';

/** MediaMTX's v3 API at the wire, with sessions that a test makes; for tests. */
export class FakeMediaApi {
  readonly sessions = new Map<string, FakeSession>();
  readonly kicked: string[] = [];
  started = new Date(Date.now() - 3_600_000).toISOString();
  /** Whether it answers at all. */
  mode: 'up' | 'error' | 'silence' = 'up';
  /** How it takes each kick. */
  onKick: (session: FakeSession | undefined) => KickAnswer = () => 'ok';
  private server!: Server;

  static async start(): Promise<FakeMediaApi> {
    const api = new FakeMediaApi();
    api.server = createServer((request, response) => api.answer(request.url ?? '', response));
    await new Promise<void>((resolve) => api.server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A client comes. */
  add(change: Partial<FakeSession> = {}): FakeSession {
    const session: FakeSession = {
      id: randomUUID(),
      kind: 'rtspsessions',
      user: '',
      path: 'robots/r1',
      state: 'read',
      created: new Date().toISOString(),
      outboundBytes: 100,
      ...change,
    };
    this.sessions.set(session.id, session);
    return session;
  }

  /** The server is another run now: nobody is there. */
  restart(): void {
    this.sessions.clear();
    this.started = new Date().toISOString();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(url: string, response: ServerResponse): void {
    if (this.mode === 'silence') return;
    if (this.mode === 'error') return json(response, 500, { status: 'error', error: 'terminated' });
    const [, , what, verb, id] = url.split('?')[0].split('/');
    if (what === 'info') return json(response, 200, { version: 'v1.20.1', started: this.started });
    if (what === 'paths') return json(response, 200, listOf([]));
    const kind = SESSION_KINDS.find((one) => one === what);
    if (!kind) return json(response, 404, { status: 'error', error: 'not found' });
    if (verb === 'kick') return this.takeKick(id, response);
    const items = [...this.sessions.values()].filter((session) => session.kind === kind);
    return json(response, 200, listOf(items.map(itemOf)));
  }

  private takeKick(id: string, response: ServerResponse): void {
    const session = this.sessions.get(id);
    const answer = session ? this.onKick(session) : 'gone';
    this.kicked.push(id);
    if (answer === 'silence') return;
    if (answer === 'error') return json(response, 500, { status: 'error', error: 'terminated' });
    if (answer !== 'deaf') this.sessions.delete(id);
    if (answer === 'gone') return json(response, 404, { status: 'error', error: 'session not found' });
    return json(response, 200, { status: 'ok' });
  }
}

const listOf = (items: object[]): object => ({ itemCount: items.length, pageCount: 1, items });

function itemOf({ kind, outboundBytes, ...session }: FakeSession): object {
  const counters =
    kind === 'srtconns' ? { bytesReceived: 0, bytesSent: outboundBytes } : { inboundBytes: 0, outboundBytes };
  return { ...session, remoteAddr: '10.0.0.7:40000', userAgent: 'VLC', query: '', ...counters };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
