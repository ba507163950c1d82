import type { ProbedCamera, ProbeProblem, ProbeReport } from '@rovercast/contracts';

/** What a tool that opened a source said. */
export interface Glance {
  stdout: string;
  /** Scrubbed. */
  stderr: string;
  timedOut: boolean;
  exitCode: number | null;
}

/** Frames that must come for a source to count as working. */
export const PROBE_FRAMES = 5;

/** ffmpeg's first video stream of the input: `Stream #0:0: Video: h264 (High), yuv420p, 640x360, 15 fps, …`. */
const FFMPEG_VIDEO = /Stream #0:\d+[^\n]*?: Video: (\w+)[^\n]*/;
/** GStreamer's `-v`: `… caps = video/x-raw, format=(string)I420, width=(int)640, height=(int)360, framerate=(fraction)30/1`. */
const GSTREAMER_CAPS = /caps = (video\/x-[\w-]+)[^\n]*/;

const PROBLEMS: [ProbeProblem, RegExp][] = [
  [
    'denied',
    /\b40[13]\b|unauthori[sz]ed|forbidden|Permission denied|Operation not permitted|not authori[sz]ed/i,
  ],
  ['busy', /Device or resource busy|already in use/i],
  [
    'missing',
    /No such file|No such device|Cannot identify device|\b404\b|Not Found|Could not find (any )?(supported )?camera|no cameras? available|No cameras/i,
  ],
  [
    'unreachable',
    /Connection refused|No route to host|Network is unreachable|resolve|Name or service|Could not connect|Failed to connect|Connection reset|Input\/output error/i,
  ],
  [
    'no_video',
    /Invalid data found|does not contain any stream|matches no streams|moov atom|Could not determine type/i,
  ],
  ['no_tool', /no element "|ENOENT|Unknown input format/i],
];

/** What the source is, or why it gives no picture. */
export function judgeGlance(camera: string, glance: Glance): ProbedCamera {
  const found = describe(glance);
  const frames = framesOf(glance);
  if (glance.exitCode === 0 && frames >= PROBE_FRAMES) return { camera, ok: true, ...found };
  return { camera, ok: false, ...found, problem: problemOf(glance), detail: lastWords(glance) };
}

function describe({ stdout, stderr }: Glance): Pick<ProbedCamera, 'codec' | 'width' | 'height' | 'fps'> {
  const video = FFMPEG_VIDEO.exec(stderr.split('Output #')[0]);
  if (video) {
    const size = /, (\d{2,5})x(\d{2,5})/.exec(video[0]);
    const rate = /([\d.]+) fps/.exec(video[0]) ?? /([\d.]+) tbr/.exec(video[0]);
    return { codec: video[1], ...sized(size), ...(rate && { fps: Number(rate[1]) }) };
  }
  const caps = GSTREAMER_CAPS.exec(stdout);
  if (!caps) return {};
  const size = /width=\(int\)(\d+), height=\(int\)(\d+)/.exec(caps[0]);
  const rate = /framerate=\(fraction\)(\d+)\/(\d+)/.exec(caps[0]);
  const fps = rate && Number(rate[2]) > 0 ? Number(rate[1]) / Number(rate[2]) : undefined;
  return { codec: caps[1].replace('video/x-', ''), ...sized(size), ...(fps !== undefined && { fps }) };
}

const sized = (size: RegExpExecArray | null): Pick<ProbedCamera, 'width' | 'height'> =>
  size ? { width: Number(size[1]), height: Number(size[2]) } : {};

/** ffmpeg tells them by `-progress`; GStreamer's `num-buffers` ends the pipeline with code 0 only when all came. */
function framesOf({ stdout, exitCode }: Glance): number {
  const told = [...stdout.matchAll(/^frame=\s*(\d+)/gm)].at(-1);
  if (told) return Number(told[1]);
  return exitCode === 0 && GSTREAMER_CAPS.test(stdout) ? PROBE_FRAMES : 0;
}

function problemOf({ stderr, timedOut }: Glance): ProbeProblem {
  const known = PROBLEMS.find(([, words]) => words.test(stderr));
  if (known) return known[0];
  return timedOut || /timed out|timeout/i.test(stderr) ? 'timeout' : 'other';
}

const lastWords = ({ stderr, timedOut }: Glance): string => {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(Exiting|Setting pipeline|Freeing|frame=)/.test(line));
  return (timedOut ? 'no picture in time' : lines.slice(-2).join(' | ') || 'no picture').slice(0, 300);
};

/** The report cut down to `maxBytes`: details first, then cameras from the end. */
export function fitReport(report: ProbeReport, maxBytes = 4_096): ProbeReport {
  const fits = (one: ProbeReport): boolean => Buffer.byteLength(JSON.stringify(one)) <= maxBytes;
  if (fits(report)) return report;
  let cameras = report.cameras.map((camera) => ({ ...camera, detail: camera.detail?.slice(0, 60) }));
  while (cameras.length > 0 && !fits({ ...report, cameras, truncated: true })) cameras = cameras.slice(0, -1);
  return { ...report, cameras, truncated: true };
}
