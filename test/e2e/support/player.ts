import { spawn } from 'node:child_process';

/** The FFmpeg that the product itself would use: the machine's, or the one that npm brought. */
export function ffmpegPath(): string {
  if (process.env.FFMPEG_PATH) return process.env.FFMPEG_PATH;
  const onPath = (process.env.PATH ?? '').split(':').map((folder) => `${folder}/ffmpeg`);
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { existsSync } = require('node:fs') as typeof import('node:fs');
  const found = onPath.find((file) => existsSync(file));
  if (found) return found;
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require('@ffmpeg-installer/ffmpeg') as { path: string }).path;
}

export interface Played {
  /** Decoded pictures. */
  frames: number;
  /** Different pictures among them: a moving picture has nearly as many. */
  different: number;
  exitCode: number | null;
  complaints: string;
}

/**
 * Plays a URL with FFmpeg and decodes up to so many pictures; counts what the decoder put out (one checksum a picture), not what
 * a log says.
 */
export function play(
  url: string,
  { frames, timeoutMs = 20_000 }: { frames: number; timeoutMs?: number },
): Promise<Played> {
  const input = url.startsWith('rtsp') ? ['-rtsp_transport', 'tcp'] : [];
  const args = [
    '-nostdin',
    '-v',
    'error',
    ...input,
    '-i',
    url,
    '-an',
    '-frames:v',
    String(frames),
    '-f',
    'framemd5',
    '-',
  ];
  const child = spawn(ffmpegPath(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  return new Promise((resolve) => {
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      const sums = output
        .split('\n')
        .filter((line) => /^\d/.test(line))
        .map((line) => line.split(',').at(-1)!.trim());
      resolve({ frames: sums.length, different: new Set(sums).size, exitCode, complaints });
    });
  });
}
