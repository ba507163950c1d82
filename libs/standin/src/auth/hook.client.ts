import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const MAX_REDIRECTS = 10;

interface HookCall {
  url: URL;
  method: 'GET' | 'POST';
  body: string;
}

/** Asks the auth webhook the way MediaMTX does: a new connection per call, redirects followed, any 2xx allows. */
export class HookClient {
  constructor(
    private readonly authUrl: string,
    private readonly timeoutMs: number,
  ) {}

  /** Whether the hook allows; a hook that fails or is late denies. */
  async allows(body: string): Promise<boolean> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    let call: HookCall = { url: new URL(this.authUrl), method: 'POST', body };
    try {
      for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
        const answer = await send(call, signal);
        const next = redirected(call, answer);
        if (!next) return answer.status >= 200 && answer.status <= 299;
        call = next;
      }
    } catch {
      // A failed call is a denial; the door's own log says why.
    }
    return false;
  }
}

interface HookAnswer {
  status: number;
  location: string | undefined;
}

function redirected(call: HookCall, { status, location }: HookAnswer): HookCall | undefined {
  if (!location || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  const url = new URL(location, call.url);
  return status === 307 || status === 308 ? { ...call, url } : { url, method: 'GET', body: '' };
}

function send({ url, method, body }: HookCall, signal: AbortSignal): Promise<HookAnswer> {
  const headers: Record<string, string> = { 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' };
  if (method === 'POST') {
    headers['content-type'] = 'application/json';
    headers['content-length'] = String(Buffer.byteLength(body));
  }
  const options = { method, headers, agent: false as const, signal, auth: userInfo(url) };
  return new Promise((resolve, reject) => {
    const done = (response: IncomingMessage) => {
      resolve({ status: response.statusCode ?? 0, location: response.headers.location });
      response.destroy();
    };
    const request: ClientRequest =
      url.protocol === 'https:' ? httpsRequest(url, options, done) : httpRequest(url, options, done);
    request.on('error', reject);
    request.end(body);
  });
}

function userInfo(url: URL): string | undefined {
  if (!url.username && !url.password) return undefined;
  return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
}
