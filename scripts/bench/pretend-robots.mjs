// Robots that say yes: each its own MQTT connection; online, and every order is accepted at once. No encoder.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { libOf } from './paths.mjs';
import { serve } from './helper.mjs';

const require = createRequire(import.meta.url);
const { connectMqtt, mqttOptions } = require(libOf('gateway', 'mqtt'));
const { topic } = require(libOf('gateway', 'contracts'));

const CONNECTING_AT_ONCE = 16;
const CONNECT_TIMEOUT_MS = 20_000;

function presence(bootId) {
  return JSON.stringify({ v: 1, online: true, bootId, connSeq: 1, at: Date.now(), clean: false });
}

function obey({ client, robotId, bootId }, order) {
  const { requestId, version } = order;
  const code = version === undefined ? 'noop' : 'accepted';
  client.publish(order.replyTo, JSON.stringify({ requestId, version, code, bootId }), { qos: 1 });
  if (order.state !== 'off') return;
  const idle = {
    v: 1,
    version,
    sessionId: null,
    state: 'idle',
    since: Date.now(),
    bootId,
    connSeq: 1,
    seq: version,
  };
  client.publish(topic('reported', { robotId, camera: order.camera }), JSON.stringify(idle), {
    qos: 1,
    retain: true,
  });
}

async function connectRobot({ url, version }, { id: robotId, key }) {
  const bootId = randomUUID();
  const client = connectMqtt(
    mqttOptions({ url, version, clientId: robotId, username: robotId, password: key, keepaliveSeconds: 60 }),
  );
  client.on('error', () => {}); // it tries again; the time limit below has the last word
  const robot = { client, robotId, bootId };
  const probe = topic('cmd', { robotId, name: 'probe' });
  const reply = topic('reply', { replica: 'bench', robotId });
  client.on('message', (to, payload) => {
    if (to === probe)
      client.publish(reply, payload, { qos: 1 }); // the raw round trip: bytes back as they came
    else obey(robot, JSON.parse(payload.toString()));
  });
  await Promise.race([
    new Promise((resolve) => client.once('connect', resolve)),
    new Promise((_, reject) =>
      setTimeout(() => reject(new Error(`${robotId} could not connect`)), CONNECT_TIMEOUT_MS).unref(),
    ),
  ]);
  await client.subscribeAsync(topic('cmd', { robotId }), { qos: 1 });
  await client.publishAsync(topic('presence', { robotId }), presence(bootId), { qos: 1, retain: true });
  return client;
}

serve(async ({ broker, robots }) => {
  const waiting = [...robots];
  const worker = async () => {
    for (let robot = waiting.shift(); robot; robot = waiting.shift()) await connectRobot(broker, robot);
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, worker));
  return { facts: { connected: robots.length } };
});
