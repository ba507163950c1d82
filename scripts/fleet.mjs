// `npm run fleet`: many robots in one process against any broker, and a capacity sheet. The robots are the agent's own code around
// a pretend encoder.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, requireNode, rootDir, stopWith } from './prepare.mjs';

const HELP = `npm run fleet -- [options]

  --robots N      robots (1000)
  --broker URL    broker (mqtt://127.0.0.1:1883)
  --version 4|5   MQTT version (5)
  --loss SHARE    share of orders, wishes and answers that vanish, 0 to 0.5 (0)
  --seconds N     how long orders are given (10)
  --in-flight N   orders that wait at once (32)
  --json          the sheet as JSON`;

requireNode();
const { values } = parseArgs({
  options: {
    robots: { type: 'string', default: '1000' },
    broker: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
    version: { type: 'string', default: '5' },
    loss: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '10' },
    'in-flight': { type: 'string', default: '32' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

function number(name, min, max) {
  const value = Number(values[name]);
  if (!(value >= min && value <= max)) stopWith(`--${name} must be a number from ${min} to ${max}.`);
  return value;
}

const options = {
  robots: number('robots', 1, 20_000),
  url: values.broker,
  version: number('version', 4, 5) === 4 ? 4 : 5,
  loss: number('loss', 0, 0.5),
  seconds: number('seconds', 0, 86_400),
  inFlight: number('in-flight', 1, 5_000),
};

await build(['device']);
const require = createRequire(import.meta.url);
require('reflect-metadata');
const { runFleet, sheetText } = require(join(rootDir, 'dist/apps/device/apps/device/src/fleet/fleet.run.js'));
try {
  const sheet = await runFleet(options);
  console.log(values.json ? JSON.stringify(sheet, undefined, 2) : sheetText(sheet));
  const { robots, connected, converged, reporting, doubled } = sheet;
  const well = connected === robots && converged === robots && reporting === robots && doubled === 0;
  process.exit(well ? 0 : 1);
} catch (error) {
  stopWith(`The fleet stopped: ${error.message}`);
}
