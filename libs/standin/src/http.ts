import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request's decoded path and raw query. */
export function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  try {
    return { path: decodeURIComponent(path), query };
  } catch {
    return { path, query };
  }
}

export function sendJson(response: ServerResponse, status: number, json: string): void {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(json));
  response.writeHead(status).end(json);
}

/** The router's own 404 (gin). */
export function sendNotFound(response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/plain');
  response.writeHead(404).end('404 page not found');
}

/** The whole body; throws when it is larger than allowed. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
