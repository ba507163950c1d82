import { Injectable } from '@nestjs/common';
import type { OpenRevocation } from './receipt.rules';

const REMEMBERED_MS = 600_000;

/** Why sessions were cut in the last minutes, for those who see them gone. */
@Injectable()
export class CutLog {
  private readonly cuts = new Map<string, { reason: string; at: number }>();

  /** Remembers the sessions on a receipt. */
  note({ reason, receipt }: Pick<OpenRevocation, 'reason' | 'receipt'>): void {
    const now = performance.now();
    for (const { sessionId } of receipt) {
      this.cuts.delete(sessionId);
      this.cuts.set(sessionId, { reason, at: now });
    }
    for (const [oldest, { at }] of this.cuts) {
      if (now - at < REMEMBERED_MS) return;
      this.cuts.delete(oldest);
    }
  }

  reasonOf(sessionId: string): string | undefined {
    return this.cuts.get(sessionId)?.reason;
  }

  /** Whether a revocation was after this session within the last so many milliseconds. */
  isNoted(sessionId: string, withinMs: number): boolean {
    const cut = this.cuts.get(sessionId);
    return cut !== undefined && performance.now() - cut.at < withinMs;
  }
}
