import type { ProbedEncoder } from '@rovercast/contracts';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Backend } from './pipeline.rules';
import {
  FFMPEG_VIDEO_ENCODERS,
  ffmpegTrial,
  GSTREAMER_VIDEO_ENCODERS,
  gstreamerTrial,
  isHardware,
  type FfmpegVideoEncoder,
  type GstreamerVideoEncoder,
} from './video-encoders.rules';

/** The encoders that run on this machine. */
export interface Encoders {
  ffmpeg?: {
    path: string;
    videoEncoder: FfmpegVideoEncoder;
    /** Its resolver crashes: give it IP addresses. */ needsAddresses: boolean;
    /** It knows `-stats_period` (4.4 and newer), so that the first picture is heard of sooner than after half a second. */
    quickProgress?: boolean;
  };
  gstreamer?: {
    path: string;
    /** `x264enc` where it was not tried. */
    videoEncoder?: GstreamerVideoEncoder;
  };
  /** `setpriv` can tie a process's life to ours (util-linux on Linux). */
  setpriv: boolean;
  /** Every encoder that was tried. */
  trials?: ProbedEncoder[];
}

const PROBE_TIMEOUT_MS = 10_000;

/** Runs each candidate for a second of a test picture; one that is there and does not work is as good as absent. */
export async function discoverEncoders(paths: {
  ffmpegPath?: string;
  gstLaunchPath?: string;
}): Promise<Encoders> {
  const [[ffmpeg, ffmpegTrials], [gstreamer, gstreamerTrials], setpriv] = await Promise.all([
    findFfmpeg(paths.ffmpegPath),
    findGstreamer(paths.gstLaunchPath),
    runs('setpriv', ['--pdeathsig', 'KILL', 'true']),
  ]);
  return {
    ffmpeg,
    gstreamer,
    setpriv: setpriv !== undefined,
    trials: [...ffmpegTrials, ...gstreamerTrials],
  };
}

/** Names of the backends found, as told in `info`. */
export const backendsOf = (encoders: Encoders): Backend[] =>
  (['ffmpeg', 'gstreamer'] as const).filter((name) => encoders[name] !== undefined);

async function findFfmpeg(given: string | undefined): Promise<[Encoders['ffmpeg'], ProbedEncoder[]]> {
  const shipped = given ? undefined : shippedFfmpeg();
  for (const path of given ? [given] : ['ffmpeg', shipped]) {
    if (path === undefined) continue;
    const quick = await runs(path, ['-hide_banner', '-stats_period', '0.2', '-encoders']);
    const list = quick ?? (await runs(path, ['-hide_banner', '-encoders']));
    const listed = FFMPEG_VIDEO_ENCODERS.filter((name) => list?.includes(` ${name} `));
    const trials = await tryEach('ffmpeg', listed, (name) => runs(path, ffmpegTrial(name)));
    const chosen = trials.find((trial) => trial.chosen)?.name as FfmpegVideoEncoder | undefined;
    if (!chosen) continue;
    const needsAddresses = path.includes('@ffmpeg-installer');
    return [{ path, videoEncoder: chosen, needsAddresses, quickProgress: quick !== undefined }, trials];
  }
  return [undefined, []];
}

async function findGstreamer(given: string | undefined): Promise<[Encoders['gstreamer'], ProbedEncoder[]]> {
  const path = given ?? 'gst-launch-1.0';
  if ((await runs(path, ['--version'])) === undefined) return [undefined, []];
  const trials = await tryEach('gstreamer', GSTREAMER_VIDEO_ENCODERS, (name) =>
    runs(path, gstreamerTrial(name)),
  );
  const chosen = trials.find((trial) => trial.chosen)?.name as GstreamerVideoEncoder | undefined;
  return [chosen && { path, videoEncoder: chosen }, trials];
}

/** In order, and one at a time: hardware is often there once. What comes after the first that works is not needed. */
async function tryEach<Name extends FfmpegVideoEncoder | GstreamerVideoEncoder>(
  backend: Backend,
  names: readonly Name[],
  attempt: (name: Name) => Promise<string | undefined>,
): Promise<ProbedEncoder[]> {
  const trials: ProbedEncoder[] = [];
  for (const name of names) {
    const works = (await attempt(name)) !== undefined;
    trials.push({ backend, name, hardware: isHardware(name), works, chosen: works });
    if (works) break;
  }
  return trials;
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
