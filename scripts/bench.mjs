// `npm run bench [-- --quick] [-- --only door|storm|reconnect|orders] [-- --profile]`: how fast the door and the orders are, as
// ratios to bare peers in the same run. docs/bench.md says what is measured. Slowness is no failure: it exits 0.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build, endWithNpm, install, requireNode, rootDir, stopWith } from './prepare.mjs';
import { measureDoor, measureReconnect, measureStorm } from './bench/door.mjs';
import { measureOrders } from './bench/orders.mjs';
import { resultsDir } from './bench/paths.mjs';
import { printTable, rowsOf } from './bench/report.mjs';
import { System } from './bench/system.mjs';

const PARTS = {
  door: measureDoor,
  storm: measureStorm,
  reconnect: measureReconnect,
  orders: measureOrders,
};
const ROUNDS = { usual: 7, quick: 2 };
/** No new round begins after this; what has been measured by then is what is printed. */
const TIME_LIMIT_MS = 300_000;
const USAGE = `usage: npm run bench -- [--quick] [--only ${Object.keys(PARTS).join('|')}] [--profile]`;

function readOptions() {
  const options = { quick: { type: 'boolean' }, only: { type: 'string' }, profile: { type: 'boolean' } };
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    if (values.only !== undefined && !(values.only in PARTS)) stopWith(USAGE);
    return values;
  } catch (error) {
    return stopWith(`${error.message}\n${USAGE}`);
  }
}

function revision() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: rootDir, stdio: 'pipe', encoding: 'utf8' }).trim();
    const changed =
      git('status', '--porcelain', '--', 'apps', 'libs') === '' ? '' : ' and uncommitted changes';
    return git('rev-parse', '--short', 'HEAD') + changed;
  } catch {
    return 'unknown';
  }
}

function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

async function run(options, system) {
  const giveUpAt = Date.now() + TIME_LIMIT_MS;
  const usualRounds = options.quick ? ROUNDS.quick : ROUNDS.usual;
  const say = (what) => console.log(`  ${what} …`);
  say('starting Postgres and the auth app');
  await system.startDoor();
  const { port, pid } = await system.helper('bare-http');
  const bench = {
    system,
    say,
    quick: options.quick === true,
    bare: { port, pid, authorization: system.door.authorization },
    load: await system.helper('door-load'),
    async rounds(work, count = usualRounds) {
      for (let round = 0; round < count && (round === 0 || Date.now() < giveUpAt); round += 1)
        await work(round);
    },
  };
  const results = {};
  for (const part of options.only ? [options.only] : Object.keys(PARTS))
    results[part] = await PARTS[part](bench);
  return results;
}

requireNode();
endWithNpm();
const options = readOptions();
await install();
await build(['auth', 'gateway', 'stack']);
mkdirSync(resultsDir, { recursive: true });

const began = new Date();
const facts = { at: began.toISOString(), revision: revision(), machine: machine(), options };
const { cores, cpu, node, loadAverage } = facts.machine;
console.log(`Rovercast ${facts.revision}, Node ${node}, ${cores} × ${cpu}, load ${loadAverage[0]}`);
const system = new System({ profile: options.profile });
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    interrupted = true;
    void system.stop().finally(() => process.exit(130));
  });
}
try {
  const results = await run(options, system);
  const rows = rowsOf(results);
  printTable(rows);
  const file = join(resultsDir, `${facts.at.replaceAll(':', '-')}.json`);
  const seconds = (Date.now() - began.getTime()) / 1000;
  writeFileSync(file, `${JSON.stringify({ ...facts, seconds, results, rows }, null, 2)}\n`);
  console.log(`\n${seconds.toFixed(0)} s; all numbers are in ${relative(process.cwd(), file)}`);
} catch (error) {
  if (!interrupted) console.error(`the bench could not be run: ${error.message}`);
  process.exitCode = 1;
} finally {
  await system.stop();
}
