import { publisherUrls, viewerUrls, type MediaBases } from './stream-urls.rules';

/** What to paste where; null where the ticket is for something else, or the protocol is not served. */
export interface ToolCommands {
  vlc: string | null;
  ffplay: string | null;
  gstreamerPlay: string | null;
  ffmpegPublish: string | null;
  ffmpegPublishRtmp: string | null;
  ffmpegPublishSrt: string | null;
  gstreamerPublish: string | null;
  obs: { server: string; streamKey: string } | null;
  browser: { whep: string | null; whip: string | null; hlsPage: string | null; webrtcPage: string | null };
  qr: string | null;
}

const NOTHING: ToolCommands = {
  vlc: null,
  ffplay: null,
  gstreamerPlay: null,
  ffmpegPublish: null,
  ffmpegPublishRtmp: null,
  ffmpegPublishSrt: null,
  gstreamerPublish: null,
  obs: null,
  browser: { whep: null, whip: null, hlsPage: null, webrtcPage: null },
  qr: null,
};

const TEST_PICTURE =
  'ffmpeg -re -f lavfi -i testsrc2=size=640x360:rate=15 -an -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 15';
const GST_TEST_PICTURE =
  'gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=I420,width=640,height=360,framerate=15/1 ! ' +
  'x264enc tune=zerolatency bitrate=800 key-int-max=15 ! h264parse';

/**
 * A text as one word of a POSIX shell, whatever it holds: in single quotes nothing is special, and a single quote becomes
 * `'\''` (POSIX.1-2017, Shell Command Language 2.2.2).
 */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Commands that play a path with a read ticket. MediaMTX serves RTSP over TCP only, as mediamtx/mediamtx.yml says. */
export function viewerCommands(bases: MediaBases, path: string, ticket: string): ToolCommands {
  const urls = viewerUrls(bases, path, ticket);
  const other = urls.hls ?? urls.rtmp;
  const hlsPage = bases.hls ? `${bases.hls}/${path}/?token=${ticket}` : null;
  const webrtcPage = bases.webrtc ? `${bases.webrtc}/${path}/?token=${ticket}` : null;
  return {
    ...NOTHING,
    vlc: urls.rtsp ? `vlc --rtsp-tcp ${shellQuote(urls.rtsp)}` : other && `vlc ${shellQuote(other)}`,
    ffplay: urls.rtsp
      ? `ffplay -rtsp_transport tcp ${shellQuote(urls.rtsp)}`
      : other && `ffplay ${shellQuote(other)}`,
    gstreamerPlay:
      urls.rtsp &&
      `gst-launch-1.0 rtspsrc protocols=tcp latency=200 ${gstProperty('location', urls.rtsp)} ! rtph264depay ! decodebin ! videoconvert ! autovideosink`,
    browser: { whep: urls.webrtc, whip: null, hlsPage, webrtcPage },
    qr: hlsPage ?? webrtcPage ?? urls.rtsp ?? urls.rtmp,
  };
}

/** Commands that publish a test picture to a path with a publish ticket; the input is what one replaces. */
export function publisherCommands(bases: MediaBases, path: string, ticket: string): ToolCommands {
  const { rtsp, rtmp, srt, webrtc } = publisherUrls(bases, path, ticket);
  const overRtsp = rtsp && `${TEST_PICTURE} -f rtsp -rtsp_transport tcp ${shellQuote(rtsp)}`;
  const overRtmp = rtmp && `${TEST_PICTURE} -f flv ${shellQuote(rtmp)}`;
  const webrtcPage = bases.webrtc ? `${bases.webrtc}/${path}/publish?token=${ticket}` : null;
  return {
    ...NOTHING,
    ffmpegPublish: overRtsp ?? overRtmp,
    ffmpegPublishRtmp: overRtmp,
    ffmpegPublishSrt: srt && `${TEST_PICTURE} -f mpegts ${shellQuote(srt)}`,
    gstreamerPublish:
      rtsp && `${GST_TEST_PICTURE} ! rtspclientsink protocols=tcp ${gstProperty('location', rtsp)}`,
    obs: obsSettings(bases, path, ticket),
    browser: { whep: null, whip: webrtc, hlsPage: null, webrtcPage },
    qr: webrtcPage ?? rtmp ?? rtsp,
  };
}

/**
 * OBS Studio, custom service: it joins server and key with a slash, and MediaMTX takes the whole for the path. Its own fields for
 * user and password are not used.
 */
function obsSettings({ rtmp }: MediaBases, path: string, ticket: string): ToolCommands['obs'] {
  if (!rtmp) return null;
  const segments = path.split('/');
  const key = segments.pop() as string;
  return { server: [rtmp, ...segments].join('/'), streamKey: `${key}?token=${ticket}` };
}

/** A property of a pipeline's element as one word; gst-launch reads what stands in double quotes as it is. */
function gstProperty(name: string, value: string): string {
  return shellQuote(`${name}=${value}`);
}
