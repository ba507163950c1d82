import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export { until } from '../../../test/support/brokers';

/**
 * Speaks like ffmpeg and encodes nothing. Modes (any argument): `stubborn` ignores SIGTERM and has a helper, `hang` stops
 * telling frames, `fail` ends with many words, `refused` ends as MediaMTX makes ffmpeg end. Writes its pids to a file.
 */
const PRETEND = `#!/usr/bin/env node
const { appendFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const mode = process.argv.slice(2).join(' ');
// What the agent asks before it trusts an encoder.
if (mode.includes('-encoders')) {
  console.log(' V..... libx264 ');
  process.exit(0);
}
if (mode.endsWith('-f null -')) process.exit(0);
appendFileSync(__filename + '.pids', process.pid + '\\n');
appendFileSync(__filename + '.args', JSON.stringify(process.argv.slice(2)) + '\\n');
if (mode.includes('fail')) {
  for (let n = 0; n < 30; n += 1) console.error('word ' + n);
  console.error('rtmp://h/robots/r1?token=hunter2: Operation not permitted');
  process.exit(1);
}
if (mode.includes('refused')) {
  console.error('Server returned 401 Unauthorized (authorization failed)');
  process.exit(1);
}
if (mode.includes('stubborn')) {
  process.on('SIGTERM', () => {});
  const helper = spawn('sleep', ['600'], { stdio: 'ignore' });
  appendFileSync(__filename + '.pids', helper.pid + '\\n');
}
let frame = 0;
const timer = setInterval(() => {
  frame += 1;
  if (mode.includes('hang') && frame > 3) return;
  console.log('frame=' + frame + '\\nfps=15.00\\nbitrate= 800.0kbits/s\\nprogress=continue');
}, 20);
`;

export interface PretendEncoder {
  path: string;
  /** Of every process that was ever started, oldest first. */
  pids(): number[];
  /** Argument lists, oldest first. */
  args(): string[][];
}

/** A new executable, so that its pids are its own. */
export function pretendEncoder(): PretendEncoder {
  const path = join(mkdtempSync(join(tmpdir(), 'encoder-')), 'ffmpeg.cjs');
  writeFileSync(path, PRETEND);
  chmodSync(path, 0o755);
  const lines = (file: string): string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return {
    path,
    pids: () => lines(`${path}.pids`).map(Number),
    args: () => lines(`${path}.args`).map((line) => JSON.parse(line) as string[]),
  };
}

/** Whether a process runs; one that is dead and not yet reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Says why a test did nothing. */
export function skipped(reason: string): void {
  process.stderr.write(`skipped: ${reason.replace(/^skipped: /, '')}\n`);
}
