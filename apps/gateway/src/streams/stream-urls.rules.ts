/** Base URLs of the media server; a protocol that is not served is left out. */
export interface MediaBases {
  rtsp?: string;
  rtmp?: string;
  hls?: string;
  webrtc?: string;
  srt?: string;
  flv?: string;
}

export interface ConfiguredMedia {
  mediamtxPublicHost: string;
  mediaRtspUrl?: string;
  mediaRtmpUrl?: string;
  mediaHlsUrl?: string;
  mediaWebrtcUrl?: string;
  mediaSrtUrl?: string;
  mediaFlvUrl?: string;
}

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
export function viewerUrls(
  bases: MediaBases,
  path: string,
  ticket: string,
): Record<keyof MediaBases, string | null> {
  const { rtsp, rtmp, hls, webrtc, srt, flv } = bases;
  return {
    rtsp: rtsp ? `${rtsp}/${path}?token=${ticket}` : null,
    rtmp: rtmp ? `${rtmp}/${path}?token=${ticket}` : null,
    hls: hls ? `${hls}/${path}/index.m3u8?token=${ticket}` : null,
    webrtc: webrtc ? `${webrtc}/${path}/whep?token=${ticket}` : null,
    srt: srt ? `${srt}?streamid=read:${path}:token=${ticket}` : null,
    flv: flv ? `${flv}/${path}.flv?token=${ticket}` : null,
  };
}

/** Where a robot publishes a path, without credentials. */
export function ingestUrl(base: string, path: string): string {
  return `${base.replace(/\/$/, '')}/${path}`;
}
