const USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi;
const QUERY_SECRET = /([?&;]|^|\s)(pass|password|token|jwt|user|session|key|secret)=[^&\s"'#]*/gi;
const SRT_STREAM_ID = /\b((?:read|publish):[0-9A-Za-z_./-]+):[^\s"'&]+/g;
const BEARER = /\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]+/g;

/** A text with the credentials masked that media tools print: URL user-info, query values, SRT stream ids, headers. */
export function scrub(text: string): string {
  return text
    .replace(USERINFO, '$1***@')
    .replace(QUERY_SECRET, '$1$2=***')
    .replace(SRT_STREAM_ID, '$1:***')
    .replace(BEARER, '$1 ***');
}
