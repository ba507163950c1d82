import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AuthDeniedError } from '../auth/access.errors';
import { httpCredentials } from '../auth/credentials.rules';
import { type Context, ipOf } from '../context';
import { goJson } from '../go-json.rules';
import { readBody, sendJson, sendNotFound, splitUrl } from '../http';
import { closeServer, listen } from '../listen';
import { ApiError, findRoute, type Route, slashRedirect } from './routes';

const BODY_MAX_BYTES = 10 * 1024 * 1024;

/** The v3 API: authorised before anything else, then routed. */
export class ApiServer {
  private readonly server = createServer((request, response) => {
    void this.handle(request, response).catch(() => response.destroy());
  });

  constructor(
    private readonly context: Context,
    private readonly routes: Route[],
  ) {
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
    const { path, query } = splitUrl(request.url ?? '/');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Server', 'mediamtx');
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
      response.setHeader('Access-Control-Allow-Methods', 'OPTIONS, GET, POST, PATCH, DELETE');
      response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type');
      response.writeHead(204).end();
      return;
    }
    if (!(await this.enter(request, response, query))) return;
    await this.route(request, response, { path, query });
  }

  private async enter(request: IncomingMessage, response: ServerResponse, query: string): Promise<boolean> {
    const credentials = httpCredentials(request.headers.authorization);
    const ip = ipOf(request.socket);
    const nobody = { path: '', protocol: '', id: null, userAgent: '' } as const;
    try {
      await this.context.gate.enterApi({ ...nobody, action: 'api', ip, query, credentials, canAsk: true });
      return true;
    } catch (error) {
      if (!(error instanceof AuthDeniedError)) throw error;
      if (error.asks) response.setHeader('WWW-Authenticate', 'Basic realm="mediamtx"');
      sendJson(response, 401, goJson({ status: 'error', error: error.message }));
      return false;
    }
  }

  private async route(
    request: IncomingMessage,
    response: ServerResponse,
    { path, query }: { path: string; query: string },
  ): Promise<void> {
    const method = request.method ?? '';
    const found = findRoute(this.routes, method, path);
    if (!found) {
      const elsewhere = slashRedirect(this.routes, method, path);
      if (!elsewhere) return sendNotFound(response);
      const location = query ? `${elsewhere}?${query}` : elsewhere;
      response.writeHead(method === 'GET' ? 301 : 307, { location }).end();
      return;
    }
    try {
      const body = await readBody(request, BODY_MAX_BYTES);
      const call = { param: found.param, query: new URLSearchParams(query), body };
      sendJson(response, 200, goJson(found.route.run(call)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      sendJson(response, error.status, goJson({ status: 'error', error: error.message }));
    }
  }
}
