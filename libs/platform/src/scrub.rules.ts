/** What is masked, in this order. No part repeats without a bound at each place it may begin: a log line may be 100 kB. */
const MASKS: [RegExp, string][] = [
  // user:pass@ of a URL; the user-info ends at the last @ before the path.
  [/(:\/\/)[^\s/?#"']+@/g, '$1***@'],
  // pass=…, access_token=…, MQTT_PASS=…, user-pw=…
  [
    /\b([\w-]{0,32}(?:pass|password|passwd|passphrase|pw|token|jwt|user|session|key|secret))=[^&\s"'#]*/gi,
    '$1=***',
  ],
  // SRT stream ids: MediaMTX's own form, plain and percent-encoded, and the standard one.
  [/\b((?:read|publish):[0-9A-Za-z_./-]+):[^\s"'&]+/g, '$1:***'],
  [/\b((?:read|publish)%3A(?:%2F|[\w./-])+)%3A[^\s"'&]+/gi, '$1:***'],
  [/((?:#|%23)(?:!|%21)(?:::|%3A%3A))[^\s"'&]+/gi, '$1***'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]+/g, '$1 ***'],
  [/\b(authorization["']?[:=]\s{0,8}["']?\w{1,16})\s+[^\s"']+/gi, '$1 ***'],
  // Our own secrets, wherever they are: robot, stream and refresh keys, signed tokens.
  [/\b(rk|sk|rt)_[A-Za-z0-9_-]{43}/g, '$1_***'],
  [/\beyJ[\w-]{10,500}\.[\w-]{10,900}\.[\w-]{1,100}/g, '***'],
];

/** A text with the credentials masked that media tools print: URL user-info, query values, SRT stream ids, headers, tokens. */
export function scrub(text: string): string {
  return MASKS.reduce((masked, [what, by]) => masked.replace(what, by), text);
}
