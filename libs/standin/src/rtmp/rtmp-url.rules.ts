/** What an RTMP client wants: `rtmp://host/app/key?query` split over `tcUrl` and the stream's name. */
export interface RtmpTarget {
  path: string;
  query: string;
}

/** Joins `tcUrl` and the stream key as MediaMTX does (gortmplib, joinURL); undefined for what is no URL. */
export function rtmpTarget(tcUrl: string, streamKey: string): RtmpTarget | undefined {
  const bare = tcUrl.replace(/^'+|'+$/g, '');
  const joined = streamKey === '' ? bare : `${bare}/${streamKey}`;
  const match = /^rtmps?:\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/i.exec(joined);
  if (!match) return undefined;
  return { path: decodePath((match[1] ?? '').replace(/^\/+/, '')), query: match[2] ?? '' };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
