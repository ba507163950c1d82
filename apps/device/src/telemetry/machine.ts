import type { TelemetryEvent } from '@rovercast/contracts';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { availableBytes, cpuPercent, hottestCelsius, sumCpuTimes, type CpuTimes } from './telemetry.rules';

type Vitals = Pick<
  TelemetryEvent,
  | 'cpuPercent'
  | 'memoryTotalBytes'
  | 'memoryAvailableBytes'
  | 'agentRssBytes'
  | 'temperatureCelsius'
  | 'uptimeSeconds'
>;

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** The machine that the agent runs on, as its kernel tells it. */
export class Machine {
  private cpu: CpuTimes = sumCpuTimes(cpus());

  /** `root` is where /proc and /sys are. */
  constructor(private readonly root = '/') {}

  /** How it is now; the processor's share is since the reading before. */
  read(): Vitals {
    const before = this.cpu;
    this.cpu = sumCpuTimes(cpus());
    return {
      cpuPercent: cpuPercent(before, this.cpu),
      memoryTotalBytes: totalmem(),
      memoryAvailableBytes: availableBytes(textOf(join(this.root, 'proc/meminfo'))) ?? freemem(),
      agentRssBytes: process.memoryUsage.rss(),
      temperatureCelsius: hottestCelsius(this.zones()),
      uptimeSeconds: Math.round(process.uptime()),
    };
  }

  private zones(): string[] {
    const folder = join(this.root, 'sys/class/thermal');
    try {
      return readdirSync(folder)
        .filter((name) => name.startsWith('thermal_zone'))
        .map((name) => textOf(join(folder, name, 'temp')));
    } catch {
      return [];
    }
  }
}
