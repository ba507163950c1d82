/** What an RTSP URL asks for. */
export interface RtspTarget {
  path: string;
  query: string;
  /** The `trackID` of a SETUP. */
  track: number | undefined;
}

/**
 * Reads `rtsp://host/path?query`, with `/trackID=N` or a lone slash after the path (GStreamer, with a query too) or after the
 * query (FFmpeg); undefined when it is no such URL.
 */
export function rtspTarget(url: string): RtspTarget | undefined {
  const match = /^rtsps?:\/\/[^/?#]*(?:\/([^?#]*))?(?:\?([^#]*))?/i.exec(url);
  if (!match) return undefined;
  let path = match[1] ?? '';
  let query = match[2] ?? '';
  let track: number | undefined;
  const cut = (text: string): string => {
    const control = /\/trackID=(\d{1,4})$/.exec(text);
    if (control) track = Number(control[1]);
    return control ? text.slice(0, control.index) : text.replace(/\/$/, '');
  };
  if (query) query = cut(query);
  if (track === undefined) path = cut(path);
  return { path: decode(path), query, track };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The channels of a `RTP/AVP/TCP;…;interleaved=a-b` transport; undefined for UDP, `next` when none is named. */
export function interleavedChannel(transport: string, next: number): number | undefined {
  const tcp = transport.split(',').find((one) => /^\s*RTP\/AVP\/TCP(;|\s*$)/i.test(one));
  if (tcp === undefined) return undefined;
  const channel = Number(/interleaved=(\d{1,3})/i.exec(tcp)?.[1] ?? next);
  return channel <= 254 ? channel : undefined;
}
