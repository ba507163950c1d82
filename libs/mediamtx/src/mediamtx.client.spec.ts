import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MediaMtxClient } from './mediamtx.client';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const INFO = JSON.stringify({ version: 'v1.20.1', started: '2026-11-20T10:00:00Z' });
const EMPTY = JSON.stringify({ itemCount: 0, pageCount: 0, items: [] });

describe('MediaMtxClient', () => {
  let server: Server;
  let handler: Handler;
  let host: string;
  let calls: { method: string; url: string; authorization: string | undefined }[];

  const client = (timeoutMs = 2_000, userInfo = '') =>
    new MediaMtxClient({ apiUrl: `http://${userInfo}${host}`, timeoutMs });
  const json = (res: ServerResponse, body: string, status = 200) =>
    res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(body);
  const notFound = (res: ServerResponse) =>
    res.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
  const healthy: Handler = (req, res) => {
    if (req.url === '/v3/info') json(res, INFO);
    else if (req.url?.startsWith('/v3/rtspssessions') || req.url?.startsWith('/v3/rtmpsconns')) notFound(res);
    else json(res, EMPTY);
  };

  beforeAll(async () => {
    server = createServer((req, res) => {
      calls.push({ method: req.method ?? '', url: req.url ?? '', authorization: req.headers.authorization });
      handler(req, res);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    calls = [];
    handler = healthy;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('takes a snapshot between two looks at the incarnation, a disabled server being no error', async () => {
    const snapshot = await client().snapshot();
    expect(snapshot).toMatchObject({ node: { version: 'v1.20.1' }, paths: [], sessions: [] });
    expect(calls.at(0)?.url).toBe('/v3/info');
    expect(calls.at(-1)?.url).toBe('/v3/info');
    expect(calls.map((call) => call.url)).toContain('/v3/hlssessions/list?itemsPerPage=1000000');
    expect(calls).toHaveLength(10);
  });

  it('rejects a snapshot across a restart', async () => {
    let runs = 0;
    handler = (req, res) =>
      req.url === '/v3/info'
        ? json(res, JSON.stringify({ version: 'v1.20.1', started: `2026-11-20T10:00:0${runs++}Z` }))
        : healthy(req, res);
    await expect(client().snapshot()).rejects.toMatchObject({ kind: 'malformed' });
  });

  it('turns user-info into a Basic header and shows it in no error', async () => {
    handler = (_req, res) => json(res, '{"status":"error","error":"authentication error"}', 401);
    const error: unknown = await client(2_000, 'mon:s3cr%40t@')
      .info()
      .catch((e: unknown) => e);
    expect(calls[0]?.authorization).toBe(`Basic ${Buffer.from('mon:s3cr@t').toString('base64')}`);
    expect(error).toMatchObject({ kind: 'unauthorized', status: 401 });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/s3cr|mon/);
  });

  it.each<[string, Handler]>([
    ['HTML', (_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello</html>')],
    ['half JSON', (_req, res) => json(res, '{"version":"v1.2')],
    ['an empty body', (_req, res) => json(res, '')],
    ['another object', (_req, res) => json(res, '{"ok":true}')],
  ])('calls %s malformed', async (_name, answer) => {
    handler = answer;
    await expect(client().info()).rejects.toMatchObject({ kind: 'malformed' });
  });

  it.each<[string, Handler, string]>([
    ['a closed socket', (req) => req.socket.destroy(), 'unreachable'],
    [
      'a body cut short',
      (_req, res) => void res.writeHead(200, { 'content-length': 99 }).write('{', () => res.destroy()),
      'unreachable',
    ],
    [
      'a server error',
      (_req, res) => void json(res, '{"status":"error","error":"terminated"}', 500),
      'status',
    ],
    ['a redirect', (_req, res) => void res.writeHead(302, { location: '/elsewhere' }).end(), 'status'],
    ['silence', () => undefined, 'timeout'],
    ['a body that never ends', (_req, res) => void res.writeHead(200).write('{'), 'timeout'],
  ])('names %s', async (_name, answer, kind) => {
    handler = answer;
    await expect(client(300).info()).rejects.toMatchObject({ kind });
  });

  it('stops reading an answer that is too large', async () => {
    const chunk = Buffer.alloc(8 * 1024 * 1024, 0x20);
    handler = (_req, res) => {
      res.writeHead(200);
      const pump = (): void => void (res.destroyed || res.write(chunk, pump));
      pump();
    };
    await expect(client(10_000).info()).rejects.toMatchObject({ kind: 'malformed' });
  });

  it('names nothing to reach', async () => {
    const dead = new MediaMtxClient({ apiUrl: 'http://127.0.0.1:1', timeoutMs: 500 });
    await expect(dead.info()).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('takes a kick of somebody who left for done, but not one on a server that is off', async () => {
    handler = (_req, res) => json(res, '{"status":"error","error":"session not found"}', 404);
    await expect(client().kick('rtspsessions', 'abc')).resolves.toBeUndefined();
    expect(calls[0]).toMatchObject({ method: 'POST', url: '/v3/rtspsessions/kick/abc' });
    handler = (_req, res) => notFound(res);
    await expect(client().kick('srtconns', 'abc')).rejects.toMatchObject({ kind: 'status', status: 404 });
  });

  it('configures paths with the name in one URL segment', async () => {
    handler = (_req, res) => json(res, '{"status":"ok"}');
    await client().addPath('cam/1', { source: 'rtsp://10.0.0.1/x', sourceOnDemand: true });
    await client().replacePath('cam/1', {});
    await client().deletePath('cam/1');
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /v3/config/paths/add/cam%2F1',
      'POST /v3/config/paths/replace/cam%2F1',
      'DELETE /v3/config/paths/delete/cam%2F1',
    ]);
  });

  it('quotes why a path was refused, without the credentials in it', async () => {
    const text = "'rtsp://admin:hunter2@cam' is not a valid URL";
    handler = (_req, res) => json(res, JSON.stringify({ status: 'error', error: text }), 400);
    const error: unknown = await client()
      .addPath('cam', {})
      .catch((e: unknown) => e);
    expect(String(error)).toContain("'rtsp://***@cam' is not a valid URL");
  });
});
