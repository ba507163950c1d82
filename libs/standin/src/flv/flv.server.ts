import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AuthDeniedError, NoStreamError } from '../auth/access.errors';
import { httpCredentials, rtmpCredentials } from '../auth/credentials.rules';
import { type Context, ipOf } from '../context';
import { goJson } from '../go-json.rules';
import { sendJson, sendNotFound, splitUrl } from '../http';
import { closeServer, listen } from '../listen';
import { FlvConnection } from './flv.connection';

/** `GET /{path}.flv`: the stream as one endless FLV file, for browsers with mpegts.js. The door sees it as RTMP. */
export class FlvServer {
  readonly connections = new Map<string, FlvConnection>();
  private readonly server = createServer((request, response) => {
    void this.handle(request, response).catch((error: unknown) => fail(response, error));
  });

  constructor(private readonly context: Context) {
    this.server.requestTimeout = context.readTimeoutMs;
  }

  listen(port: number): Promise<number> {
    return listen(this.server, this.context.host, port);
  }

  async close(): Promise<void> {
    const closed = closeServer(this.server);
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (request.method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Headers', 'Authorization, Range');
      response.writeHead(204).end();
      return;
    }
    const { path, query } = splitUrl(request.url ?? '/');
    const name = /^\/(.+)\.flv$/.exec(path)?.[1];
    if (request.method !== 'GET' || !name) return sendNotFound(response);
    const connection = new FlvConnection(request, response, name, query);
    this.connections.set(connection.id, connection);
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
      connection.close();
      this.connections.delete(connection.id);
      this.context.hub.leave(name, connection);
    });
    await this.enter(request, connection);
    if (!gone.signal.aborted) connection.start(await this.context.hub.read(name, connection, gone.signal));
  }

  private async enter(request: IncomingMessage, connection: FlvConnection): Promise<void> {
    const { authorization } = request.headers;
    const { id, path, query, userAgent } = connection;
    const credentials = authorization ? httpCredentials(authorization) : rtmpCredentials(query);
    const ip = ipOf(request.socket);
    const client = { id, path, query, userAgent, ip, credentials };
    await this.context.gate.enter({ ...client, action: 'read', protocol: 'rtmp', canAsk: true });
    connection.user = credentials.user;
  }
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const text = error instanceof Error ? error.message : 'error';
  if (error instanceof AuthDeniedError && error.asks) {
    response.setHeader('WWW-Authenticate', 'Basic realm="mediamtx"');
  }
  const denied = error instanceof AuthDeniedError;
  sendJson(
    response,
    denied ? 401 : error instanceof NoStreamError ? 404 : 500,
    goJson({ status: 'error', error: text }),
  );
}
