import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { FFMPEG_VIDEO_ENCODERS, type Backend, type FfmpegVideoEncoder } from './pipeline.rules';

/** The encoders that run on this machine. */
export interface Encoders {
  ffmpeg?: {
    path: string;
    videoEncoder: FfmpegVideoEncoder;
    /** Its resolver crashes: give it IP addresses. */ needsAddresses: boolean;
  };
  gstreamer?: { path: string };
  /** `setpriv` can tie a process's life to ours (util-linux on Linux). */
  setpriv: boolean;
}

const PROBE_TIMEOUT_MS = 10_000;

/** Runs each candidate once; one that is there but does not start (a missing library) is as good as absent. */
export async function discoverEncoders(paths: {
  ffmpegPath?: string;
  gstLaunchPath?: string;
}): Promise<Encoders> {
  const [ffmpeg, gstreamer, setpriv] = await Promise.all([
    findFfmpeg(paths.ffmpegPath),
    findGstreamer(paths.gstLaunchPath),
    runs('setpriv', ['--pdeathsig', 'KILL', 'true']),
  ]);
  return { ffmpeg, gstreamer, setpriv: setpriv !== undefined };
}

/** Names of the backends found, as told in `info`. */
export const backendsOf = (encoders: Encoders): Backend[] =>
  (['ffmpeg', 'gstreamer'] as const).filter((name) => encoders[name] !== undefined);

async function findFfmpeg(given: string | undefined): Promise<Encoders['ffmpeg']> {
  const shipped = given ? undefined : shippedFfmpeg();
  for (const path of given ? [given] : ['ffmpeg', shipped]) {
    if (path === undefined) continue;
    const list = await runs(path, ['-hide_banner', '-encoders']);
    const videoEncoder = FFMPEG_VIDEO_ENCODERS.find((name) => list?.includes(` ${name} `));
    if (videoEncoder) return { path, videoEncoder, needsAddresses: path.includes('@ffmpeg-installer') };
  }
  return undefined;
}

async function findGstreamer(given: string | undefined): Promise<Encoders['gstreamer']> {
  const path = given ?? 'gst-launch-1.0';
  return (await runs(path, ['--version'])) === undefined ? undefined : { path };
}

/** The optional npm package's binary, a static build of 2018. */
function shippedFfmpeg(): string | undefined {
  try {
    const installer = createRequire(__filename)('@ffmpeg-installer/ffmpeg') as { path: string };
    return installer.path;
  } catch {
    return undefined;
  }
}

function runs(path: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, args, { timeout: PROBE_TIMEOUT_MS, maxBuffer: 4_000_000 }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
  });
}
