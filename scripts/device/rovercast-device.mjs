#!/usr/bin/env -S node --optimize-for-size --single-threaded-gc --max-semi-space-size=1 --v8-pool-size=1 --no-opt --expose-gc
// The robot's command line: run | probe | enroll | --help. The flags above are what keeps the agent below 100 MB; started without
// them (`node rovercast-device.mjs`, npm), it starts itself again with them.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const FLAGS = [
  '--optimize-for-size',
  '--single-threaded-gc',
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--no-opt',
  '--expose-gc',
];

const here = realpathSync(fileURLToPath(import.meta.url));
const cli = join(dirname(here), '../../dist/apps/device/apps/device/src/cli.js');

if (!existsSync(cli)) {
  console.error('The agent is not built. Run: node scripts/build.mjs device');
  process.exit(1);
}
if (process.argv[2] !== 'run' || FLAGS.every((flag) => process.execArgv.includes(flag))) {
  createRequire(import.meta.url)(cli);
} else if (process.execve) {
  process.execve(process.execPath, [process.execPath, ...FLAGS, here, ...process.argv.slice(2)], process.env);
} else {
  // Node 20 cannot replace itself: this process stays as a small parent that hands signals on. It is not there when the file is
  // run by its first line, or by the systemd unit.
  const child = spawn(process.execPath, [...FLAGS, here, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
