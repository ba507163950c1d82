/** Time of all cores since start, in any unit. */
export interface CpuTimes {
  busy: number;
  total: number;
}

/** Of `os.cpus()`. */
export function sumCpuTimes(cores: { times: Record<string, number> }[]): CpuTimes {
  const all = cores.map(({ times }) => Object.values(times).reduce((sum, time) => sum + time, 0));
  const idle = cores.reduce((sum, { times }) => sum + (times.idle ?? 0), 0);
  const total = all.reduce((sum, time) => sum + time, 0);
  return { busy: total - idle, total };
}

/** How busy all cores together were between two readings, 0 to 100 with one decimal; undefined when no time passed. */
export function cpuPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total;
  if (total <= 0) return undefined;
  const share = Math.min(1, Math.max(0, (after.busy - before.busy) / total));
  return Math.round(share * 1000) / 10;
}

/** `MemAvailable` of /proc/meminfo in bytes. */
export function availableBytes(meminfo: string): number | undefined {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo);
  return found ? Number(found[1]) * 1024 : undefined;
}

/** The hottest of the thermal zones, which the kernel tells in thousandths of a degree; nonsense is left out. */
export function hottestCelsius(zones: string[]): number | undefined {
  const degrees = zones
    .map((text) => Number(text.trim()) / 1000)
    .filter((value) => Number.isFinite(value) && value > -60 && value < 200 && value !== 0);
  return degrees.length > 0 ? Math.round(Math.max(...degrees) * 10) / 10 : undefined;
}
