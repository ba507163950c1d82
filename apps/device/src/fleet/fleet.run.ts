import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { FleetGateway } from './fleet.gateway';
import { FleetRobot } from './fleet.robot';
import { quantiles, type CapacitySheet } from './fleet.rules';

export { sheetText } from './fleet.rules';

export interface FleetOptions {
  robots: number;
  /** `mqtt://host:port` */
  url: string;
  version: 4 | 5;
  loss: number;
  /** How long orders are given. */
  seconds: number;
  /** Orders that wait for their answers at once. */
  inFlight?: number;
}

const CONNECTING_AT_ONCE = 50;
const CONNECT_LIMIT_MS = 60_000;
const CONVERGING_AT_ONCE = 200;
const CONVERGE_LIMIT_MS = 30_000;

/** Runs a fleet in this process against a broker: everybody connects, is ordered about, and must end where it was wished to be. */
export async function runFleet(options: FleetOptions): Promise<CapacitySheet> {
  Logger.overrideLogger(false);
  const before = process.memoryUsage.rss();
  const ids = Array.from({ length: options.robots }, (_, index) => `fleet-${process.pid}-${index}`);
  const gateway = await FleetGateway.connect(options.url, options.version);
  const robots = ids.map((robotId) => new FleetRobot({ ...options, robotId }));
  try {
    const connectMs = await connectAll(robots, gateway);
    const connected = gateway.online.size;
    const began = performance.now();
    await orderAbout(ids, gateway, options);
    const tookMs = performance.now() - began;
    const answered = [...gateway.ackMs];
    const converged = await convergeAll(ids, gateway);
    await Promise.all(robots.map((robot) => robot.tell()));
    await settled(() => gateway.telling.size === ids.length, 5_000);
    const rss = process.memoryUsage.rss();
    return {
      ...{ robots: options.robots, connected, connectMs, converged },
      orders: answered.length,
      ordersPerSecond: Math.round((answered.length * 1000) / tookMs),
      ackMs: quantiles(answered),
      retries: gateway.retries,
      unanswered: gateway.unanswered,
      reporting: gateway.telling.size,
      doubled: robots.filter(({ encoders }) => encoders.peak > 1).length,
      rssMegabytes: Math.round(rss / 1e6),
      kilobytesPerRobot: Math.round((rss - before) / 1e3 / options.robots),
    };
  } finally {
    await Promise.all(robots.map((robot) => robot.close()));
    await gateway.close(ids);
  }
}

async function connectAll(robots: FleetRobot[], gateway: FleetGateway): Promise<number> {
  const began = performance.now();
  for (let index = 0; index < robots.length; index += CONNECTING_AT_ONCE) {
    await Promise.all(robots.slice(index, index + CONNECTING_AT_ONCE).map((robot) => robot.start()));
    await settled(() => gateway.online.size >= index, CONNECT_LIMIT_MS);
  }
  await settled(() => gateway.online.size === robots.length, CONNECT_LIMIT_MS);
  return performance.now() - began;
}

/** On and off in turn, each worker over its own share of the robots, so that a robot has one order at a time. */
async function orderAbout(
  ids: string[],
  gateway: FleetGateway,
  { seconds, inFlight = 32 }: FleetOptions,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const workers = Math.min(inFlight, ids.length);
  const work = async (worker: number): Promise<void> => {
    for (let round = 0; performance.now() < until; round += 1) {
      for (let index = worker; index < ids.length && performance.now() < until; index += workers) {
        await gateway.wish(ids[index], round % 2 === 0 ? 'on' : 'off');
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
}

/** One last wish for each, said again to those that did not hear it. */
async function convergeAll(ids: string[], gateway: FleetGateway): Promise<number> {
  const queue = [...ids];
  const work = async (): Promise<void> => {
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) await gateway.wish(id, 'on');
  };
  await Promise.all(Array.from({ length: CONVERGING_AT_ONCE }, work));
  const until = performance.now() + CONVERGE_LIMIT_MS;
  let converged = await gateway.remind(ids);
  while (converged < ids.length && performance.now() < until) {
    await pause(300);
    converged = await gateway.remind(ids);
  }
  return converged;
}

async function settled(condition: () => boolean, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  while (!condition() && performance.now() < until) await pause(10);
}
