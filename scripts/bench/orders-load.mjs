// The caller's side of orders: REST calls over kept connections, raw MQTT round trips, acknowledged orders without HTTP.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { libOf } from './paths.mjs';
import { serve } from './helper.mjs';
import { summarize } from './measure.mjs';

const require = createRequire(import.meta.url);
const { connectMqtt, mqttOptions, OrderRequester } = require(libOf('gateway', 'mqtt'));
const { topic } = require(libOf('gateway', 'contracts'));

const REPLICA = 'bench';
const ANSWER_TIMEOUT_MS = 10_000;

/** Does something `total` times, so many at once, and sums up. `once(index)` answers undefined, or what was wrong. */
async function repeatedly(total, inFlight, once) {
  const durationsMs = [];
  const unexpected = {};
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < total; index = next++) {
      const since = performance.now();
      const wrong = await once(index);
      durationsMs.push(performance.now() - since);
      if (wrong !== undefined) unexpected[wrong] = (unexpected[wrong] ?? 0) + 1;
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - began) / 1000;
  return { ...summarize(durationsMs), unexpected, seconds, perSecond: total / seconds };
}

function call(agent, { port, method, path, token, body }) {
  return new Promise((resolve) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      }),
    };
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
      response.on('data', () => {});
      response.on('end', () => resolve(response.statusCode));
    });
    outgoing.setTimeout(ANSWER_TIMEOUT_MS, () => outgoing.destroy());
    outgoing.on('error', () => resolve(0));
    outgoing.end(text);
  });
}

let agent = new Agent({ keepAlive: true });

/** `paths` in turn, kept connections as an app or a proxy keeps them. */
function callHttp({ paths, expected, total, inFlight, ...rest }) {
  return repeatedly(total, inFlight, async (index) => {
    const status = await call(agent, { ...rest, path: paths[index % paths.length] });
    return expected.includes(status) ? undefined : status;
  });
}

let client;
const echoes = new Map();

async function connect({ broker, login }) {
  client = connectMqtt(mqttOptions({ ...broker, ...login, clientId: `bench-${process.pid}` }));
  await new Promise((resolve, reject) => {
    client.once('connect', resolve);
    client.once('error', reject);
  });
  await client.subscribeAsync(topic('reply', { replica: REPLICA }), { qos: 1 });
  client.on('message', (_, payload) => {
    const id = payload.subarray(0, 36).toString();
    echoes.get(id)?.();
    echoes.delete(id);
  });
}

const FILLING = 'x'.repeat(200);

/** Publish at QoS 1, the other side publishes the same bytes back at QoS 1. */
function echoMqtt({ robotId, total, inFlight }) {
  const to = topic('cmd', { robotId, name: 'probe' });
  return repeatedly(total, inFlight, async () => {
    const id = randomUUID();
    const back = new Promise((resolve) => echoes.set(id, resolve));
    client.publish(to, id + FILLING, { qos: 1 });
    await back;
  });
}

/** What the gateway does for an order, without HTTP and Postgres. */
async function orderMqtt({ robotId, version, total, inFlight }) {
  const requester = new OrderRequester({ client, replica: REPLICA, version });
  try {
    return await repeatedly(total, inFlight, async () => {
      const body = { v: 1, requestId: randomUUID(), issuedAt: Date.now() };
      try {
        await requester.order(robotId, 'ping', body, { timeoutMs: 5_000 });
        return undefined;
      } catch (error) {
        return error.code ?? error.message;
      }
    });
  } finally {
    requester.close();
  }
}

async function disconnect() {
  await client?.endAsync(true);
  client = undefined;
  agent.destroy();
  agent = new Agent({ keepAlive: true });
}

const JOBS = { http: callHttp, connect, disconnect, echo: echoMqtt, order: orderMqtt };
serve(() => ({ perform: (job) => JOBS[job.kind](job) }));
