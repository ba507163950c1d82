import { accessSync, chmodSync, constants, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

/** The full path of a program on the PATH, or undefined. */
export function findOnPath(program: string, path: string | undefined): string | undefined {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  for (const folder of (path ?? '').split(delimiter).filter(Boolean)) {
    const file = join(folder, program + suffix);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // not in this one
    }
  }
  return undefined;
}

function packagedFfmpeg(): string | undefined {
  try {
    const { path } = createRequire(__filename)('@ffmpeg-installer/ffmpeg') as { path: string };
    if (!existsSync(path)) return undefined;
    chmodSync(path, 0o755);
    return path;
  } catch {
    return undefined;
  }
}

/**
 * The FFmpeg to use: the given one, else the one on the PATH, else the one of the npm package (a static build of 2018: no
 * SRT, and it crashes on host names, so give it addresses). Undefined when there is none.
 * @throws Error when the given one is not there
 */
export function findFfmpeg(environment: NodeJS.ProcessEnv): string | undefined {
  const given = environment.FFMPEG_PATH;
  if (given) {
    const found = given.includes('/') || given.includes('\\') ? given : findOnPath(given, environment.PATH);
    if (!found || !existsSync(found)) throw new Error(`FFMPEG_PATH names no program: ${given}`);
    return found;
  }
  return findOnPath('ffmpeg', environment.PATH) ?? packagedFfmpeg();
}
