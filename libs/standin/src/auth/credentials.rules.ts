/** Credentials as MediaMTX takes them from a client (mediamtx.md 1.6). */
export interface Credentials {
  user: string;
  password: string;
  token: string;
}

export const NO_CREDENTIALS: Credentials = { user: '', password: '', token: '' };

/** Reads an HTTP Authorization header: `Bearer a:b`, `Bearer token`, `Basic` (protocols/httpp/credentials.go). */
export function httpCredentials(header: string | undefined): Credentials {
  if (header?.startsWith('Bearer ')) {
    const bearer = header.slice('Bearer '.length);
    const [user = '', password = '', ...rest] = bearer.split(':');
    if (bearer.includes(':') && rest.length === 0) return { user, password, token: '' };
    return { ...NO_CREDENTIALS, token: bearer };
  }
  return basicCredentials(header);
}

/** Reads a `Basic` header; anything else is no credentials. */
export function basicCredentials(header: string | undefined): Credentials {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (!encoded) return NO_CREDENTIALS;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return NO_CREDENTIALS;
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1), token: '' };
}

/** RTMP's credentials are `user` and `pass` of the query (servers/rtmp/conn.go). */
export function rtmpCredentials(query: string): Credentials {
  const params = new URLSearchParams(query);
  return { user: params.get('user') ?? '', password: params.get('pass') ?? '', token: '' };
}

/** The `token` of the hook's body: bearer, else password, else, for RTSP and RTMP alone, the query (auth/manager.go). */
export function tokenFor(credentials: Credentials, protocol: string, query: string): string {
  if (credentials.token) return credentials.token;
  if (credentials.password) return credentials.password;
  if (protocol !== 'rtsp' && protocol !== 'rtmp') return '';
  const params = new URLSearchParams(query);
  for (const key of ['token', 'jwt']) {
    const [only, ...more] = params.getAll(key);
    if (only !== undefined && more.length === 0) return only;
  }
  return '';
}
