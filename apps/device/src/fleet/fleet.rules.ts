import type { ReportedStream } from '@rovercast/contracts';

/** What a run of a fleet showed. */
export interface CapacitySheet {
  robots: number;
  connected: number;
  connectMs: number;
  orders: number;
  ordersPerSecond: number;
  /** From an order to its answer, of the attempts that were answered. */
  ackMs: { p50: number; p95: number; p99: number; max: number };
  /** Attempts that got no answer and were made again. */
  retries: number;
  /** Orders that were given up. */
  unanswered: number;
  /** Robots whose report says what was wished last. */
  converged: number;
  /** Robots whose telemetry arrived. */
  reporting: number;
  /** Robots that ever had two encoders on their one camera. */
  doubled: number;
  rssMegabytes: number;
  kilobytesPerRobot: number;
}

/** Nearest rank, 0 for nothing. */
export function percentile(sorted: number[], share: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

export function quantiles(values: number[]): CapacitySheet['ackMs'] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(percentile(sorted, share) * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Whether a robot's last report says what was wished of it last. */
export const isConverged = (
  report: Pick<ReportedStream, 'version' | 'state'> | undefined,
  wish: { version: number; state: 'on' | 'off' },
): boolean => report?.version === wish.version && report.state === (wish.state === 'on' ? 'live' : 'idle');

export function sheetText(sheet: CapacitySheet): string {
  const { ackMs } = sheet;
  return [
    `connected    ${sheet.connected} of ${sheet.robots} in ${Math.round(sheet.connectMs)} ms`,
    `orders       ${sheet.orders}, ${sheet.ordersPerSecond}/s; ${sheet.retries} sent again, ${sheet.unanswered} given up`,
    `answers      p50 ${ackMs.p50} ms, p95 ${ackMs.p95} ms, p99 ${ackMs.p99} ms, max ${ackMs.max} ms`,
    `converged    ${sheet.converged} of ${sheet.robots} report what was wished last`,
    `reporting    ${sheet.reporting} of ${sheet.robots} sent telemetry`,
    `two encoders ${sheet.doubled} robots`,
    `memory       ${sheet.rssMegabytes} MB, ${sheet.kilobytesPerRobot} kB a robot`,
  ].join('\n');
}
