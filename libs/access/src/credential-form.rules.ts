/** Whether a text has the form of a signed token; nothing more is known of it. */
export function looksLikeToken(text: string): boolean {
  return /^eyJ[\w-]{10,500}\.[\w-]{10,900}\.[\w-]{43}$/.test(text);
}

/** Whether a text has the form of a robot or stream key. */
export function isStreamKey(text: string): boolean {
  return /^[rs]k_[A-Za-z0-9_-]{43}$/.test(text);
}
