import { SNAPSHOT_MAX_BYTES } from '@rovercast/contracts';
import { scrub } from '@rovercast/platform';
import { readFile, stat } from 'node:fs/promises';
import type { Encoders } from '../encoder/encoder.discovery';
import { runOnce } from '../encoder/one-shot';
import { canRead } from '../encoder/pipeline.rules';
import type { Camera } from '../settings/cameras.rules';
import { grabArguments, isJpeg, QUALITIES } from './snapshot.rules';

const TIMEOUT_MS = 8_000;
const STILL_MAX_AGE_MS = 5_000;

/** Opens the camera for one JPEG of at most SNAPSHOT_MAX_BYTES. @throws Error for people, scrubbed */
export async function grabSnapshot({ name, source }: Camera, { ffmpeg, setpriv }: Encoders): Promise<Buffer> {
  if (!ffmpeg || !canRead('ffmpeg', source)) throw new Error(`no ffmpeg on this robot reads camera ${name}`);
  for (const quality of QUALITIES) {
    const { stdout, stderr, timedOut, exitCode } = await runOnce(
      ffmpeg.path,
      grabArguments(source, quality),
      {
        timeoutMs: TIMEOUT_MS,
        maxBytes: 8 * SNAPSHOT_MAX_BYTES,
        setpriv,
      },
    );
    if (timedOut) throw new Error('the camera gave no picture in time');
    if (!isJpeg(stdout))
      throw new Error(scrub(stderr).trim().slice(-300) || `no picture (exit code ${exitCode})`);
    if (stdout.length <= SNAPSHOT_MAX_BYTES) return stdout;
  }
  throw new Error('the picture does not fit');
}

/** The newest picture that a running encoder left. @throws Error when there is none that is fresh and fits */
export async function readStill(file: string): Promise<Buffer> {
  const { mtimeMs, size } = await stat(file);
  if (Date.now() - mtimeMs > STILL_MAX_AGE_MS) throw new Error('the running encoder gave no picture lately');
  if (size > SNAPSHOT_MAX_BYTES) throw new Error('the picture does not fit');
  const picture = await readFile(file);
  if (!isJpeg(picture)) throw new Error('the running encoder left no whole picture');
  return picture;
}
