import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MediaAuthBody } from '@rovercast/contracts';

/** One call of the auth hook, as it arrived. */
export interface HookCall {
  body: MediaAuthBody;
  keys: string[];
  headers: IncomingHttpHeaders;
  remotePort: number;
  startedAt: number;
  endedAt: number | undefined;
}

export type HookAnswer = (call: HookCall, response: ServerResponse) => void | Promise<void>;

export const GOOD = { user: 'good', password: 'pass', basic: 'good:pass@', query: 'user=good&pass=pass' };
export const TICKET = 'token=ticket';

/** Allows our two ways of showing credentials and denies the rest. */
export const strict: HookAnswer = ({ body }, response) => {
  const basic = body.user === GOOD.user && body.password === GOOD.password;
  const ticket = body.token === 'ticket' || body.query.split('&').includes(TICKET);
  response.writeHead(basic || ticket ? 204 : 401).end();
};

/** An auth webhook at the wire that writes down who asked what. */
export class RecordingHook {
  calls: HookCall[] = [];
  answer: HookAnswer = strict;
  url = '';
  private readonly server = createServer((request, response) => void this.handle(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/auth`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  reset(): void {
    this.calls = [];
    this.answer = strict;
  }

  /** The calls about one path. */
  about(path: string): MediaAuthBody[] {
    return this.calls.map(({ body }) => body).filter((body) => body.path === path);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = Date.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (request.url === '/loop') {
      response.writeHead(302, { location: '/loop' }).end();
      return;
    }
    if (request.url !== '/auth') {
      response.writeHead(Number(request.url?.slice(1)) || 404).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as MediaAuthBody;
    const call: HookCall = {
      body,
      keys: Object.keys(body),
      headers: request.headers,
      remotePort: request.socket.remotePort ?? 0,
      startedAt,
      endedAt: undefined,
    };
    this.calls.push(call);
    response.on('close', () => (call.endedAt = Date.now()));
    await this.answer(call, response);
  }
}
