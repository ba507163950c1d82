import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { OpenRevocation } from './receipt.rules';
import { CHANGED_ENDS, TIMED_ENDS } from './rights.rules';

const KNOWN_REASONS = new Set<string>([...TIMED_ENDS, ...CHANGED_ENDS]);

/** What becomes of revocations. Reasons are people's words; as a label goes only what we say ourselves, else the kind. */
@Injectable()
export class RevocationMetrics {
  private readonly kicks: Counter;
  private readonly cuts: Histogram;
  private readonly undecided: Gauge;
  private pendingSince: number | null = null;

  constructor(registry: Registry) {
    const registers = [registry];
    this.kicks = new Counter({
      name: 'kicks_total',
      help: 'Sessions that the media server was told to end',
      labelNames: ['reason', 'result'],
      registers,
    });
    this.cuts = new Histogram({
      name: 'revocation_cut_seconds',
      help: 'Time from the request to the first look without the session',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60],
      registers,
    });
    this.undecided = new Gauge({
      name: 'sessions_undecided',
      help: 'Sessions that the door does not remember',
      registers,
    });
    const pendingMs = (): number => (this.pendingSince === null ? 0 : Date.now() - this.pendingSince);
    new Gauge({
      name: 'revocation_pending_seconds',
      help: 'Age of the oldest revocation that is not verified',
      registers,
      collect() {
        this.set(pendingMs() / 1000);
      },
    });
  }

  kicked({ kind, reason }: Pick<OpenRevocation, 'kind' | 'reason'>, result: 'ok' | 'failed'): void {
    this.kicks.inc({ reason: KNOWN_REASONS.has(reason) ? reason : kind, result });
  }

  cut(afterMs: number): void {
    this.cuts.observe(afterMs / 1000);
  }

  /** @param requestedAt of the oldest open one, epoch milliseconds; null when there is none */
  pending(requestedAt: number | null): void {
    this.pendingSince = requestedAt;
  }

  undecidedSessions(count: number): void {
    this.undecided.set(count);
  }
}
