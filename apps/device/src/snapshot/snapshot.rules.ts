import { ffmpegGlance } from '../encoder/pipeline.rules';
import type { CameraSource } from '../settings/cameras.rules';

/** One way to make a JPEG: its greatest width in pixels, and mjpeg's quantiser (2 best, 31 worst). */
interface Quality {
  maxWidth: number;
  quantiser: number;
}

/** Tried in order until the picture is small enough. */
export const QUALITIES: Quality[] = [
  { maxWidth: 1280, quantiser: 4 },
  { maxWidth: 1280, quantiser: 10 },
  { maxWidth: 640, quantiser: 12 },
];

/** Cameras need some pictures to find their exposure. */
const SKIPPED_FRAMES = 5;

/** ffmpeg's arguments to open a camera and write one JPEG to standard output. */
export const grabArguments = (source: CameraSource, { maxWidth, quantiser }: Quality): string[] => [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...ffmpegGlance(source), '-map', '0:v:0', '-an'],
  ...['-vf', `${warmUp(source)}scale='min(${maxWidth},iw)':-2,format=yuvj420p`],
  ...['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', `${quantiser}`, '-f', 'image2pipe', 'pipe:1'],
];

const warmUp = ({ kind }: CameraSource): string =>
  kind === 'v4l2' ? `select='gte(n,${SKIPPED_FRAMES})',` : '';

/** Whether bytes are one whole JPEG. */
export const isJpeg = (bytes: Uint8Array): boolean =>
  bytes.length > 4 &&
  bytes[0] === 0xff &&
  bytes[1] === 0xd8 &&
  bytes.at(-2) === 0xff &&
  bytes.at(-1) === 0xd9;
