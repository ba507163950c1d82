import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until something is so.
 * @throws Error that names the condition when the time is up
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs, everyMs = 50 }: { timeoutMs: number; everyMs?: number },
): Promise<NonNullable<T>> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > giveUpAt) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await delay(everyMs);
  }
}
