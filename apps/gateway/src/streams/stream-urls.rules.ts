/** Base URLs of the media server; a protocol that is not served is left out. */
export interface MediaBases {
  rtsp?: string;
  rtmp?: string;
  hls?: string;
  webrtc?: string;
  srt?: string;
  flv?: string;
}

/** A URL per protocol; null where the protocol is not served, or cannot carry this path and ticket. */
export type MediaUrls = Record<keyof MediaBases, string | null>;

export interface ConfiguredMedia {
  mediamtxPublicHost: string;
  mediaRtspUrl?: string;
  mediaRtmpUrl?: string;
  mediaHlsUrl?: string;
  mediaWebrtcUrl?: string;
  mediaSrtUrl?: string;
  mediaFlvUrl?: string;
}

/** An SRT stream id ends here, in bytes (Haivision SRT, SRTO_STREAMID). */
const SRT_STREAM_ID_MAX = 512;

/** MediaMTX's default ports on its public host, unless told otherwise; `none` leaves a protocol out. */
export function mediaBases(settings: ConfiguredMedia): MediaBases {
  const host = settings.mediamtxPublicHost;
  const all = {
    rtsp: settings.mediaRtspUrl ?? `rtsp://${host}:8554`,
    rtmp: settings.mediaRtmpUrl ?? `rtmp://${host}:1935`,
    hls: settings.mediaHlsUrl ?? `http://${host}:8888`,
    webrtc: settings.mediaWebrtcUrl ?? `http://${host}:8889`,
    srt: settings.mediaSrtUrl ?? `srt://${host}:8890`,
    flv: settings.mediaFlvUrl,
  };
  const served = Object.entries(all).filter(([, url]) => url !== undefined && url !== 'none');
  return Object.fromEntries(served.map(([protocol, url]) => [protocol, (url as string).replace(/\/$/, '')]));
}

/** Ready viewer URLs of a path, the ticket where MediaMTX v1.20.1 looks for it in each protocol (mediamtx.md 1.6). */
export function viewerUrls(bases: MediaBases, path: string, ticket: string): MediaUrls {
  const { rtsp, rtmp, hls, webrtc, flv } = bases;
  return {
    rtsp: rtsp ? `${rtsp}/${path}?token=${ticket}` : null,
    rtmp: rtmp ? `${rtmp}/${path}?token=${ticket}` : null,
    hls: hls ? `${hls}/${path}/index.m3u8?token=${ticket}` : null,
    webrtc: webrtc ? `${webrtc}/${path}/whep?token=${ticket}` : null,
    srt: srtUrl(bases, `read:${path}:token=${ticket}`),
    flv: flv ? `${flv}/${path}.flv?token=${ticket}` : null,
  };
}

/** The same for who publishes; HLS and HTTP-FLV are for viewers only. */
export function publisherUrls(bases: MediaBases, path: string, ticket: string): MediaUrls {
  const { rtsp, rtmp, webrtc } = bases;
  const srt = srtUrl(bases, `publish:${path}:token=${ticket}`);
  return {
    rtsp: rtsp ? `${rtsp}/${path}?token=${ticket}` : null,
    rtmp: rtmp ? `${rtmp}/${path}?token=${ticket}` : null,
    hls: null,
    webrtc: webrtc ? `${webrtc}/${path}/whip?token=${ticket}` : null,
    srt: srt && `${srt}&pkt_size=1316`,
    flv: null,
  };
}

function srtUrl({ srt }: MediaBases, streamId: string): string | null {
  return srt && streamId.length <= SRT_STREAM_ID_MAX ? `${srt}?streamid=${streamId}` : null;
}

/** Where a robot publishes a path, without credentials. */
export function ingestUrl(base: string, path: string): string {
  return `${base.replace(/\/$/, '')}/${path}`;
}
