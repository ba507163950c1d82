// Numbers from numbers: percentiles, medians, and what a process has used of a core.
import { readdirSync, readFileSync } from 'node:fs';

/** The value below which a share of the sorted numbers lies (nearest rank). */
export function quantile(sorted, share) {
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What a list of durations in milliseconds comes to. */
export function summarize(durationsMs) {
  const sorted = Float64Array.from(durationsMs).sort();
  return {
    count: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    p99Ms: quantile(sorted, 0.99),
    maxMs: quantile(sorted, 1),
  };
}

/** The median of each numeric field over several summaries. */
export function medians(rounds) {
  const names = Object.keys(rounds[0]).filter((name) => typeof rounds[0][name] === 'number');
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name]))]));
}

/**
 * Milliseconds of CPU that a process has used so far, all threads (Linux's schedstat, in nanoseconds); NaN elsewhere. Unlike
 * elapsed time it hardly depends on who else wants the cores.
 */
export function cpuMs(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const used = threads.map((id) =>
      Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
    );
    return used.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
  } catch {
    return NaN;
  }
}

/** Runs something and says what it cost another process, in milliseconds of CPU. */
export async function withCpuOf(pid, work) {
  const before = cpuMs(pid);
  const result = await work();
  return { result, cpuMs: cpuMs(pid) - before };
}
