// The robot's bench: `node scripts/fleet/bench.mjs`. One agent as a process of its own, a real Mosquitto, a real ffmpeg, loopback.
// Prints: order → answer against a raw QoS 1 round trip; resident memory and idle processor time; order → first byte at the media
// server against the same ffmpeg started by hand.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build, requireNode, rootDir, stopWith } from '../prepare.mjs';

requireNode();
await build(['device']);
const dist = join(rootDir, 'dist/apps/device');
const require = createRequire(import.meta.url);
require('reflect-metadata');
const { connectMqtt, mqttOptions, OrderRequester } = require(join(dist, 'libs/mqtt/src'));
const { topic } = require(join(dist, 'libs/contracts/src'));
const { ffmpegArguments, publishTarget } = require(join(dist, 'apps/device/src/encoder/pipeline.rules.js'));

const PROFILE = { width: 640, height: 360, fps: 15, bitrateKbps: 800 };
const CALLS = 500;
const STARTS = 7;

const children = [];
const run = (file, args, options) => {
  const child = spawn(file, args, { stdio: 'ignore', ...options });
  child.on('error', (error) => stopWith(`${file}: ${error.message}`));
  children.push(child);
  return child;
};
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

const quantile = (values, share) =>
  [...values]
    .sort((a, b) => a - b)
    [Math.min(values.length - 1, Math.floor(values.length * share))].toFixed(2);
const line = (what, values) =>
  console.log(
    `${what.padEnd(46)} p50 ${quantile(values, 0.5)} ms, p95 ${quantile(values, 0.95)} ms, p99 ${quantile(values, 0.99)} ms`,
  );

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const port = await freePort();
const folder = mkdtempSync(join(tmpdir(), 'device-bench-'));
const config = join(folder, 'mosquitto.conf');
writeFileSync(
  config,
  `listener ${port} 127.0.0.1\nset_tcp_nodelay true\nallow_anonymous true\npersistence false\n`,
);
run('mosquitto', ['-c', config], { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
await pause(500);

const url = `mqtt://127.0.0.1:${port}`;
const client = (clientId) => connectMqtt(mqttOptions({ url, clientId, version: 5 }));
const gateway = client('gw');
const echo = client('echo');
await Promise.all([gateway, echo].map((each) => each.connected || once(each, 'connect')));
const requester = new OrderRequester({ client: gateway, replica: 'bench', version: 5 });
await gateway.subscribeAsync([topic('presence'), 'bench/back'], { qos: 1 });
await echo.subscribeAsync('bench/there', { qos: 1 });
echo.on('message', (_, payload) => echo.publish('bench/back', payload, { qos: 1 }));

const online = new Promise((resolve) =>
  gateway.on('message', (to) => to === topic('presence', { robotId: 'bench' }) && resolve()),
);
const agent = run(join(rootDir, 'scripts/device/rovercast-device.mjs'), ['run'], {
  cwd: folder,
  env: {
    ...{ PATH: process.env.PATH, ROBOT_ID: 'bench', MQTT_URL: url, PORT: '0', LOG_LEVEL: 'silent' },
    ...{ ENCODER: 'ffmpeg', GST_LAUNCH_PATH: '/nonexistent' },
  },
});
await online;

const proc = (file) => readFileSync(`/proc/${agent.pid}/${file}`, 'utf8');
const memory = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(proc('status'))[1]) / 1024);
const ticks = () =>
  proc('stat')
    .split(') ')[1]
    .split(' ')
    .slice(11, 13)
    .reduce((a, b) => a + Number(b), 0);

await pause(6_000);
const before = ticks();
await pause(10_000);
console.log(
  `${'agent, idle'.padEnd(46)} ${memory('VmRSS')} MB resident, ${(ticks() - before) / 10} % of a core`,
);

async function timed(times, act) {
  const values = [];
  for (let index = 0; index < times; index += 1) {
    const began = performance.now();
    await act();
    values.push(performance.now() - began);
  }
  return values;
}

const roundTrip = async () => {
  const back = once(gateway, 'message');
  gateway.publish('bench/there', 'x', { qos: 1 });
  await back;
};
const order = (name, body = {}) =>
  requester.order('bench', name, { v: 1, requestId: randomUUID(), issuedAt: Date.now(), ...body });

await timed(100, roundTrip);
await timed(100, () => order('ping'));
const raw = await timed(CALLS, roundTrip);
const acks = await timed(CALLS, () => order('ping'));
line('raw QoS 1 there and back', raw);
line('order → answer', acks);
console.log(`${'ratio of p50'.padEnd(46)} ${(quantile(acks, 0.5) / quantile(raw, 0.5)).toFixed(2)}`);

/** A media server that only looks at its watch. */
let first;
const media = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => first?.(performance.now()));
}).listen(0, '127.0.0.1');
await once(media, 'listening');
const ingestUrl = `rtmp://127.0.0.1:${media.address().port}/robots/bench`;
const firstByte = () => new Promise((resolve) => (first = resolve));

let version = 0;
const ordered = [];
const bare = [];
for (let index = 0; index < STARTS; index += 1) {
  const arrived = firstByte();
  const began = performance.now();
  version += 1;
  await order('stream', {
    ...{
      version,
      state: 'on',
      sessionId: randomUUID(),
      camera: 'main',
      leaseTtlMs: 30_000,
      profile: PROFILE,
    },
    ingest: { url: ingestUrl, protocol: 'rtmp', token: 't', tokenExpiresAt: Date.now() + 60_000 },
  });
  ordered.push((await arrived) - began);
  if (index === STARTS - 1) {
    await pause(2_000);
    console.log(`${'agent, with a running encoder'.padEnd(46)} ${memory('VmRSS')} MB resident`);
  }
  version += 1;
  await order('stream', { version, state: 'off', sessionId: null, camera: 'main', leaseTtlMs: 30_000 });
  await pause(400);
  const arrivedBare = firstByte();
  const beganBare = performance.now();
  const target = publishTarget({ url: ingestUrl, protocol: 'rtmp', token: 't' });
  const ffmpeg = run('ffmpeg', ffmpegArguments({ kind: 'test' }, PROFILE, target, { quickProgress: true }));
  bare.push((await arrivedBare) - beganBare);
  ffmpeg.kill('SIGKILL');
  await once(ffmpeg, 'exit');
}
line('order → first byte at the media server', ordered);
line('the same ffmpeg by hand → first byte', bare);
console.log(
  `${'difference of p50'.padEnd(46)} ${(quantile(ordered, 0.5) - quantile(bare, 0.5)).toFixed(1)} ms`,
);

requester.close();
agent.kill('SIGTERM');
await once(agent, 'exit');
process.exit(0);
