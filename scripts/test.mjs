// `npm test [level…] [jest options]`: install, build, test, and a last line that counts. Levels: unit, medium, contract, e2e,
// fault; all but fault when none is named.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, endWithNpm, install, requireNode, rootDir, stopWith } from './prepare.mjs';

const LEVELS = ['unit', 'medium', 'contract', 'e2e', 'fault'];
const USUAL = ['unit', 'medium', 'contract', 'e2e'];
/** Levels that start whole systems: one test file at a time, on the built apps. */
const WHOLE_SYSTEM = ['e2e', 'fault'];

/** What to run: levels first, the rest goes to jest. */
function parse(argv) {
  const end = argv.findIndex((arg) => !LEVELS.includes(arg));
  const levels = end === -1 ? argv : argv.slice(0, end);
  const options = end === -1 ? [] : argv.slice(end);
  if (levels.length === 0 && options[0] && !options[0].startsWith('-')) {
    stopWith(`There is no test level ${options[0]}; there are ${LEVELS.join(', ')}.`);
  }
  return { levels: levels.length > 0 ? LEVELS.filter((level) => levels.includes(level)) : USUAL, options };
}

/** Runs jest on some levels and answers how many tests passed and failed; a suite that could not run counts as one failure. */
async function jest(levels, options) {
  if (levels.length === 0) return { passed: 0, failed: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'rovercast-results-'));
  const file = join(folder, 'jest.json');
  const args = [
    join(rootDir, 'node_modules/jest/bin/jest.js'),
    '--passWithNoTests',
    '--json',
    `--outputFile=${file}`,
  ];
  const workers = levels.some((level) => WHOLE_SYSTEM.includes(level))
    ? 1
    : Math.max(1, Math.min(4, availableParallelism()));
  args.push(`--maxWorkers=${workers}`, ...options, '--selectProjects', ...levels);
  console.log(`Testing: ${levels.join(', ')} …`);
  try {
    const child = spawn(process.execPath, args, { cwd: rootDir, stdio: ['ignore', 'ignore', 'inherit'] });
    const code = await new Promise((resolve) => {
      child.on('error', () => resolve(1));
      child.on('close', (exitCode) => resolve(exitCode ?? 1));
      for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    });
    return count(file, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(file, code) {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const result = JSON.parse(readFileSync(file, 'utf8'));
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  return { passed: result.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
}

requireNode();
endWithNpm();
const { levels, options } = parse(process.argv.slice(2));
await install();
if (levels.some((level) => WHOLE_SYSTEM.includes(level))) await build();
const small = await jest(
  levels.filter((level) => !WHOLE_SYSTEM.includes(level)),
  options,
);
const whole = await jest(
  levels.filter((level) => WHOLE_SYSTEM.includes(level)),
  options,
);
const failed = small.failed + whole.failed;
console.log(`tests: ${small.passed + whole.passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
