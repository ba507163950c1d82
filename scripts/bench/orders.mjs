// Orders: a full start (REST in, rights and wish in Postgres, order, the robot's word, REST out) beside what it is made of, a raw
// MQTT round trip over the same broker and a bare HTTP round trip.
import { medians, withCpuOf } from './measure.mjs';

const ROBOTS = 256;
const IN_FLIGHT = [1, 32, 64];
const [ECHO] = ['r0'];

async function setUp({ system, bare, quick }, broker) {
  const robots = system.robots.slice(0, quick ? ROBOTS / 4 : ROBOTS);
  const pretend = await system.helper('pretend-robots', { broker, robots });
  const gateway = await system.startGateway(broker, `http://127.0.0.1:${bare.port}`);
  const caller = await system.helper('orders-load');
  const login = { username: 'gateway', password: system.secrets.gateway };
  await caller.ask({ kind: 'connect', broker: { url: broker.url, version: broker.version }, login });
  const stop = async () => {
    await caller.stop();
    await gateway.stop();
    await pretend.stop();
  };
  return { robots, gateway, caller, stop };
}

/** Every robot is started once and stopped once, so many orders in flight. */
async function startAndStop({ robots, gateway, caller }, inFlight) {
  const paths = robots.map(({ id }) => `/v1/robots/${id}/stream`);
  const { port, token } = gateway;
  const common = { kind: 'http', port, token, total: paths.length, inFlight };
  const starting = () =>
    caller.ask({
      ...common,
      method: 'POST',
      paths: paths.map((path) => `${path}?wait=ack`),
      body: {},
      expected: [201],
    });
  const { result: start, cpuMs } = await withCpuOf(gateway.pid, starting);
  const stop = await caller.ask({ ...common, method: 'DELETE', paths, expected: [200] });
  return { start: { ...start, cpuMsPerCall: cpuMs / start.count }, stop };
}

/** One turn of everything at one number in flight. */
async function turn({ bare, quick }, parts, version, inFlight) {
  const { caller } = parts;
  const total = inFlight === 1 ? 300 : quick ? 500 : 1_500;
  const http = { method: 'POST', paths: ['/json'], body: { path: 'robots/r1' }, expected: [200] };
  const order = { robotId: ECHO, total, inFlight };
  return {
    echo: await caller.ask({ kind: 'echo', ...order }),
    http: await caller.ask({ kind: 'http', port: bare.port, ...http, total, inFlight }),
    order: await caller.ask({ kind: 'order', version, ...order }),
    ...(await startAndStop(parts, inFlight)),
  };
}

const lostIn = (rounds) =>
  rounds.reduce((sum, { unexpected }) => sum + Object.values(unexpected).reduce((a, b) => a + b, 0), 0);

function sumUp(rounds) {
  const names = Object.keys(rounds[0]);
  const kinds = Object.fromEntries(
    names.map((name) => {
      const own = rounds.map((round) => round[name]);
      return [name, { ...medians(own), unexpected: lostIn(own), rounds: own.length }];
    }),
  );
  const ratios = rounds.map(({ echo, http, order, start }) => ({
    order: order.p50Ms / echo.p50Ms,
    start: start.p50Ms / (echo.p50Ms + http.p50Ms),
  }));
  return { ...kinds, ratios: medians(ratios) };
}

async function onBroker(bench, { name, start }) {
  bench.say(`orders over ${name}`);
  const broker = await start();
  const parts = await setUp(bench, { url: broker.url, version: broker.version });
  const seen = Object.fromEntries(IN_FLIGHT.map((inFlight) => [inFlight, []]));
  await turn(bench, parts, broker.version, 32); // through the compiler
  await bench.rounds(
    async () => {
      for (const inFlight of IN_FLIGHT)
        seen[inFlight].push(await turn(bench, parts, broker.version, inFlight));
    },
    bench.quick ? 1 : 5,
  );
  const { stop } = parts;
  await stop();
  await broker.stop();
  return { broker: name, inFlight: Object.fromEntries(IN_FLIGHT.map((n) => [n, sumUp(seen[n])])) };
}

/** Budget of a full start: p50 ≤ 10 ms at one in flight, ≥ 500/s at 32, none lost at 64. */
export async function measureOrders(bench) {
  const results = [];
  for (const broker of bench.system.brokers()) results.push(await onBroker(bench, broker));
  return results;
}
