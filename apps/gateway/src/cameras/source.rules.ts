/** What MediaMTX pulls and we allow, with the port where the URL names none. */
export const SOURCE_SCHEMES: Record<string, number | undefined> = {
  'rtsp:': 554,
  'rtsps:': 322,
  'http:': 80,
  'https:': 443,
  // A caller must say which port it calls.
  'srt:': undefined,
};

export const SOURCE_MAX_CHARS = 1_024;

/** Where a source is, once its form is known to be good. */
export interface SourceForm {
  /** A name, or an address without the brackets of IPv6. */
  host: string;
  port: number;
}

export type CheckedSource = { ok: true; form: SourceForm } | { ok: false; problem: string };

const bad = (problem: string): CheckedSource => ({ ok: false, problem });

/** A name, an IPv4 address or a bracketed IPv6 one: what our parser and MediaMTX's read alike. */
const HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/;

/** MediaMTX fills these in: readers would choose what is pulled. */
const FILLED_IN = /\$(G\d|MTX_)/;

/**
 * Checks the form of a source's URL; where its host leads to is another question. `problem` never repeats the URL.
 * @param ports the only ports that may be called; empty: any
 */
export function checkSource(source: string, ports: readonly number[] = []): CheckedSource {
  if (source.length > SOURCE_MAX_CHARS) return bad(`source must have at most ${SOURCE_MAX_CHARS} characters`);
  if (!/^[\x21-\x7e]+$/.test(source))
    return bad('source must have no spaces and no characters outside ASCII');
  if (!/^[a-z]+:\/\//i.test(source) || !URL.canParse(source)) return bad('source must be a URL');
  if (FILLED_IN.test(source)) return bad('source must not hold $G1, $MTX_QUERY or the like');
  const url = new URL(source);
  if (!Object.hasOwn(SOURCE_SCHEMES, url.protocol)) {
    return bad('source must be an rtsp, rtsps, srt, http or https URL');
  }
  if (!HOST.test(url.hostname)) return bad('source must name a host');
  // Parsers do not agree on where the host begins when there are several, or a backslash.
  if (
    source.split('@').length > 2 ||
    (source.includes('@') && url.username === '') ||
    source.includes('\\')
  ) {
    return bad('source must have @ and \\ percent-encoded (%40, %5C) but for the @ before the host');
  }
  if ((url.username === '') !== (url.password === '')) {
    return bad('source must have both a user and a password, or neither');
  }
  if (url.hash !== '') return bad('source must have no fragment');
  if (url.protocol.startsWith('http') && !/\.m3u8$/i.test(url.pathname)) {
    return bad('source over http must be an HLS playlist (.m3u8)');
  }
  const port = url.port === '' ? SOURCE_SCHEMES[url.protocol] : Number(url.port);
  if (!port) return bad('source must name a port');
  if (ports.length > 0 && !ports.includes(port)) return bad('source names a port that may not be called');
  return { ok: true, form: { host: url.hostname.replace(/^\[|\]$/g, ''), port } };
}

/** A key whose value is a secret, wherever a maker puts it: `?token=`, `;pwd=`, `/user=admin_password=…`. */
const SECRET_PAIR =
  /([A-Za-z_-]{0,32}(?:pass|pwd|pw|psw|token|secret|key|auth|sig|session|streamid)[A-Za-z_-]{0,32})=[^&/;#]*/gi;
const USER_INFO = /^([a-z]+:\/\/)([^/?#]*)@/i;

/** The URL as it may be shown: `rtsp://user:***@host/…`, secrets in path and query masked. */
export function shownSource(source: string): string {
  return source
    .replace(USER_INFO, (_all, scheme: string, pair: string) => `${scheme}${pair.split(':')[0]}:***@`)
    .replace(SECRET_PAIR, '$1=***');
}
