/** What a request on the HLS port is for (servers/hls/http_server.go). */
export type HlsRequest =
  | { kind: 'none' }
  | { kind: 'slash' }
  | { kind: 'page'; path: string }
  | { kind: 'index'; path: string }
  | { kind: 'file'; path: string; file: string };

/** Sorts a decoded URL path. */
export function hlsRequest(urlPath: string): HlsRequest {
  const name = urlPath.replace(/^\//, '');
  if (name === '' || name === 'favicon.ico' || name.endsWith('/hls.min.js.map')) return { kind: 'none' };
  if (/\.(m3u8|ts|mp4|mp)$/.test(name)) {
    const slash = name.lastIndexOf('/');
    const path = slash < 0 ? '.' : name.slice(0, slash);
    const file = name.slice(slash + 1);
    return file === 'index.m3u8' ? { kind: 'index', path } : { kind: 'file', path, file };
  }
  return name.endsWith('/') ? { kind: 'page', path: name.slice(0, -1) } : { kind: 'slash' };
}

/** The query without `cookieCheck`, sorted by key as Go writes it. */
export function withoutCookieCheck(query: string): string {
  const params = new URLSearchParams(query);
  params.delete('cookieCheck');
  return sorted(params);
}

/** The query with one more parameter, sorted by key as Go writes it. */
export function withParam(query: string, key: string, value: string): string {
  const params = new URLSearchParams(query);
  params.set(key, value);
  return sorted(params);
}

function sorted(params: URLSearchParams): string {
  params.sort();
  return params.toString();
}

const BANDWIDTH = 2_000_000;

/** The multivariant playlist: one variant, its URI carrying the session. */
export function multivariantPlaylist(variant: {
  codecs: string[];
  size: { width: number; height: number } | null;
  query: string;
}): string {
  const { codecs, size, query } = variant;
  const attributes = [
    `BANDWIDTH=${BANDWIDTH}`,
    `AVERAGE-BANDWIDTH=${BANDWIDTH}`,
    `CODECS="${codecs.join(',')}"`,
  ];
  if (size) attributes.push(`RESOLUTION=${size.width}x${size.height}`);
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '',
    `#EXT-X-STREAM-INF:${attributes.join(',')}`,
    `main_stream.m3u8?${query}`,
    '',
  ].join('\n');
}

/** Adds the query to every URI of a media playlist, so that the session goes along. */
export function withQuery(playlist: string, query: string): string {
  if (!query) return playlist;
  return playlist
    .split('\n')
    .map((line) => (line === '' || line.startsWith('#') ? line : `${line}?${query}`))
    .join('\n');
}
