const UNIT_MS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Reads a duration in Go's notation, with optional days in front; throws in Go's words. */
export function parseDurationMs(text: string): number {
  const quoted = JSON.stringify(text);
  if (text === '' || !/^([\d.]+[a-zµ]*)+$/.test(text)) throw new Error(`time: invalid duration ${quoted}`);
  let totalMs = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/([\d.]+)([a-zµ]*)/g)) {
    const unitMs = UNIT_MS[unit];
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`);
    if (unitMs === undefined)
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    totalMs += Number(amount) * unitMs;
  }
  return totalMs;
}

/** Writes a duration as MediaMTX reads it back: `1d`, `1m30s`, `2.5s`, `200ms`, and "" for none. */
export function formatDuration(totalMs: number): string {
  if (totalMs === 0) return '';
  if (totalMs < 1_000) return `${totalMs}ms`;
  const days = Math.floor(totalMs / 86_400_000);
  const restMs = totalMs - days * 86_400_000;
  const prefix = days > 0 ? `${days}d` : '';
  if (restMs === 0) return prefix;
  const hours = Math.floor(restMs / 3_600_000);
  const minutes = Math.floor(restMs / 60_000) % 60;
  const seconds = (restMs % 60_000) / 1_000;
  if (hours > 0) return `${prefix}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${prefix}${minutes}m${seconds}s` : `${prefix}${seconds}s`;
}
