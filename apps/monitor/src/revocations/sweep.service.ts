import { Injectable, Logger } from '@nestjs/common';
import type { MediaSnapshot } from '@rovercast/mediamtx';
import { CutLog } from './cut-log';
import { admitCuts, countUndecided, overdueSessions } from './overdue.rules';
import { RevocationMetrics } from './revocation.metrics';
import { RevocationsRepository } from './revocations.repository';
import { SightService } from './sight.service';

/** The door writes an admission within a moment; after this it will not come, in milliseconds. */
const UNDECIDED_AFTER_MS = 15_000;
/** A session that an open revocation is after shows up in its looks, in milliseconds. */
const HANDLED_WITHIN_MS = 6_000;

/** Looks for sessions whose right has ended without anybody saying so, and asks for them to be cut. */
@Injectable()
export class SweepService {
  private readonly log = new Logger('Sweep');
  /** When each overdue session was first seen to be so. */
  private overdueSince: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly sight: SightService,
    private readonly revocations: RevocationsRepository,
    private readonly cuts: CutLog,
    private readonly metrics: RevocationMetrics,
  ) {}

  async takeIn({ sessions, takenAt }: MediaSnapshot): Promise<void> {
    const sight = await this.sight.of(sessions);
    const { admissions, facts, now } = sight;
    const overdue = overdueSessions(sessions, admissions, facts, now).filter(
      ({ sessionId }) => !this.cuts.isNoted(sessionId, HANDLED_WITHIN_MS),
    );
    this.overdueSince = new Map(
      overdue.map(({ sessionId }) => [sessionId, this.overdueSince.get(sessionId) ?? now]),
    );
    const admitted = admitCuts(overdue, this.overdueSince, { now, sessionCount: sessions.length });
    if (admitted.length > 0) {
      await this.revocations.request(admitted);
      this.log.warn({ msg: 'sessions overdue', found: overdue.length, cut: admitted.length });
    }
    const age = { olderThanMs: UNDECIDED_AFTER_MS, now: takenAt.getTime() };
    this.metrics.undecidedSessions(countUndecided(sessions, admissions, age));
    await this.sight.keepOnly(sight);
  }
}
