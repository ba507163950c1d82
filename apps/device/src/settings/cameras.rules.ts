import { isId } from '@rovercast/contracts';

/** Where a camera's picture comes from. */
export type CameraSource =
  | { kind: 'test' }
  | { kind: 'v4l2'; device: string }
  | { kind: 'libcamera'; name?: string }
  /** A CSI camera of an NVIDIA Jetson. */
  | { kind: 'argus'; sensor: number }
  | { kind: 'file'; path: string }
  | { kind: 'rtsp'; url: string };

export interface Camera {
  name: string;
  source: CameraSource;
}

const DEVICE = /^\/dev\/[A-Za-z0-9_-]+(\/[A-Za-z0-9_.:-]+)*$/;
const LIBCAMERA_NAME = /^[A-Za-z0-9/_.:@\\-]{1,200}$/;
/** No quote, space, exclamation mark or backslash: gst-launch would read them as syntax. */
const URL_TEXT = /^[A-Za-z0-9._~:/?#[\]@$&()*+,;=%-]{1,512}$/;
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const FILE_PATH = /^[^\x00-\x1f"'!\\]{1,500}$/;

/**
 * One source: `test`, `v4l2:/dev/video0`, `libcamera`, `libcamera:<name>`, `argus`, `argus:<sensor>`,
 * `file:<path>` or `rtsp://…`.
 * Undefined when it is none of them, or holds what could be read as an option or as pipeline syntax.
 */
export function parseSource(text: string): CameraSource | undefined {
  const [kind, ...others] = text.split(':');
  const rest = others.join(':');
  switch (kind) {
    case 'test':
      return text === 'test' ? { kind } : undefined;
    case 'v4l2':
      return DEVICE.test(rest) && !rest.includes('..') ? { kind, device: rest } : undefined;
    case 'libcamera':
      if (text === 'libcamera') return { kind };
      return LIBCAMERA_NAME.test(rest) ? { kind, name: rest } : undefined;
    case 'argus':
      return /^argus(:\d)?$/.test(text) ? { kind, sensor: Number(rest || 0) } : undefined;
    case 'file':
      return FILE_PATH.test(rest) ? { kind, path: rest } : undefined;
    case 'rtsp':
    case 'rtsps':
      return rest.startsWith('//') && URL_TEXT.test(text) && URL.canParse(text)
        ? { kind: 'rtsp', url: text }
        : undefined;
    default:
      return undefined;
  }
}

/**
 * The cameras of a robot, from `main=test,front=v4l2:/dev/video0` or from JSON (`{"main":"test"}`), which a source with a comma
 * needs. At least one; names are ids and unique.
 * @throws Error that names the camera at fault, never its source, which may hold a password
 */
export function parseCameras(text: string): Camera[] {
  const entries = text.trim().startsWith('{') ? fromJson(text) : fromList(text);
  if (entries.length === 0) throw new Error('there is no camera');
  const names = new Set<string>();
  return entries.map(([name, source]) => {
    if (!isId(name)) throw new Error('a camera name holds something else than A-Z a-z 0-9 _ - (at most 64)');
    if (names.has(name)) throw new Error(`camera ${name} is there twice`);
    names.add(name);
    const parsed = typeof source === 'string' ? parseSource(source) : undefined;
    if (!parsed) {
      throw new Error(
        `camera ${name} is none of test, v4l2:/dev/…, libcamera[:name], argus[:sensor], file:<path>, rtsp://…`,
      );
    }
    return { name, source: parsed };
  });
}

function fromJson(text: string): [string, unknown][] {
  try {
    return Object.entries(JSON.parse(text) as object);
  } catch {
    throw new Error('the JSON cannot be read');
  }
}

const fromList = (text: string): [string, unknown][] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
    .map((item) => {
      const [name, ...source] = item.split('=');
      return [name.trim(), source.join('=').trim()];
    });
