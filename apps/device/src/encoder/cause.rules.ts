import type { StreamCause } from '@rovercast/contracts';
import type { CameraSource } from '../settings/cameras.rules';

/** How an encoder ended without being told to. */
export interface Ending {
  /** Its last words, scrubbed, oldest first. */
  lines: string[];
  source: CameraSource;
  /** We ended it, because no frame came any more. */
  stalled?: boolean;
}

/** Elements and messages of ffmpeg 4.1-5.1 and GStreamer 1.22 that speak of the input. */
const CAMERA =
  /\/dev\/|v4l2|libcamera|Device or resource busy|No such device|Gst(V4l2|Libcamera|NvArgusCamera|RTSP|File)Src|(Invalid data found when processing input)/i;
const REFUSED =
  /\b40[13]\b|unauthori[sz]ed|not authori[sz]ed|forbidden|access denied|authentication|NetStream\.Publish\.|BadName|REJECT reported|Peer rejected|Operation not permitted/i;
const UNREACHABLE =
  /Connection refused|timed out|timeout|No route to host|Network is unreachable|resolve|ENOTFOUND|EAI_AGAIN|Broken pipe|Connection reset|Could not connect|Failed to connect|Cannot open connection|Input\/output error|Connection was broken|GstR[Tt](MP|mp)2?Sink|Gst(RTSPClient|Rtsp|SRT)Sink|End of file/;

/** Why, as far as its last words tell. What they say of the input counts before what they say of the output. */
export function causeOf({ lines, source, stalled }: Ending): StreamCause {
  if (lines.some((line) => aboutInput(line, source))) return 'camera_error';
  const text = lines.join('\n');
  if (REFUSED.test(text)) return 'ingest_refused';
  if (UNREACHABLE.test(text)) return 'ingest_unreachable';
  return stalled && source.kind !== 'test' ? 'camera_error' : 'encoder_error';
}

function aboutInput(line: string, source: CameraSource): boolean {
  switch (source.kind) {
    case 'test':
      return false;
    case 'file':
      return line.includes(source.path) || CAMERA.test(line);
    case 'rtsp':
      return line.includes(withoutLogin(source.url)) || CAMERA.test(line);
    case 'v4l2':
    case 'libcamera':
    case 'argus':
      return CAMERA.test(line);
  }
}

/** Host and path: what remains of the URL in a scrubbed line, and differs from where we publish to. */
const withoutLogin = (url: string): string => url.replace(/^[a-z]+:\/\/([^@/]*@)?/, '').split('?')[0];

/** What to tell people: the last words that are not chatter. */
export function detailOf(lines: string[]): string | undefined {
  const words = lines.filter(
    (line) => !/^(Setting pipeline|Pipeline is|Prerolled|New clock|Redistribute|Freeing)/.test(line),
  );
  return words.length > 0 ? words.slice(-3).join(' | ').slice(0, 1024) : undefined;
}
