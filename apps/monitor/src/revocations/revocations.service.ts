import { Injectable, Logger } from '@nestjs/common';
import { MediaApiError, MediaMtxClient, type MediaSession } from '@rovercast/mediamtx';
import { CutLog } from './cut-log';
import { sessionsToCut, type TakenRight } from './cut.rules';
import { Kicker, type Kick } from './kicker';
import { afterLook, BACKOFF_MS, type OpenRevocation } from './receipt.rules';
import { RevocationsRepository } from './revocations.repository';
import { SightService } from './sight.service';

const MIN_PAUSE_MS = 20;
/** A session that outlives this many kicks is for a human. */
const ALARM_AFTER_KICKS = BACKOFF_MS.length;

/** What one look says about a revocation. */
interface Judged {
  revocation: OpenRevocation;
  found: MediaSession[];
  done: boolean;
}

/** What the outbox holds; `now` in epoch milliseconds by the database's clock. */
export interface Outbox {
  due: OpenRevocation[];
  waiting: OpenRevocation[];
  /** When the oldest of them was requested; null when all are done. */
  oldest: number | null;
  now: number;
}

/** Carries revocations out: finds the sessions, kicks them, looks again until two looks find none. */
@Injectable()
export class RevocationsService {
  private readonly log = new Logger('Revocations');
  /** Since when no look has found a session, by revocation id; after a restart it counts anew. */
  private clean = new Map<string, number>();
  private mediaFailures = 0;

  constructor(
    private readonly media: MediaMtxClient,
    private readonly sight: SightService,
    private readonly revocations: RevocationsRepository,
    private readonly kicker: Kicker,
    private readonly cuts: CutLog,
  ) {}

  async read(): Promise<Outbox> {
    const { revocations, now } = await this.revocations.open();
    const open = revocations.map((one) => ({ ...one, cleanSince: this.clean.get(one.id) ?? null }));
    this.clean = new Map(
      open.flatMap(({ id, cleanSince }) => (cleanSince === null ? [] : [[id, cleanSince]])),
    );
    return {
      due: open.filter(({ nextAttemptAt }) => nextAttemptAt <= now),
      waiting: open.filter(({ nextAttemptAt }) => nextAttemptAt > now),
      oldest: open.at(0)?.requestedAt ?? null,
      now,
    };
  }

  /**
   * Does all that is due once.
   * @returns the pause until something is due, in milliseconds; undefined when nothing is open
   */
  async work({ due, waiting, now }: Outbox): Promise<number | undefined> {
    if (due.length === 0) return pauseUntil(waiting, now);
    try {
      const judged = await this.carryOut(due);
      this.mediaFailures = 0;
      const left = judged.filter(({ done }) => !done).map(({ revocation }) => revocation);
      return pauseUntil([...waiting, ...left], now);
    } catch (error) {
      if (!(error instanceof MediaApiError)) throw error;
      this.log.warn({ msg: 'revocations wait for the media server', open: due.length, error: error.message });
      return BACKOFF_MS[Math.min(this.mediaFailures++, BACKOFF_MS.length - 1)];
    }
  }

  /** The receipt names a session before it is kicked, so that a restart in between does not forget it. */
  private async carryOut(due: OpenRevocation[]): Promise<Judged[]> {
    let judged = await this.look(due);
    const kicks = judged.flatMap(({ revocation, found }) =>
      found.map((session): Kick => ({ session, revocation })),
    );
    if (kicks.length > 0) {
      const counted = judged.map(({ revocation, found }) => withKick(revocation, found));
      await this.revocations.save(counted);
      await this.kicker.kickAll(kicks);
      judged = await this.look(counted);
    }
    await this.settle(judged);
    return judged;
  }

  private async look(due: OpenRevocation[]): Promise<Judged[]> {
    const users = due.filter(({ kind }) => kind === 'user').map(({ subject }) => subject);
    const { sessions, admissions, facts, now } = await this.sight.of(await this.media.listSessions(), users);
    const listed = new Map(sessions.map((session) => [session.id, session]));
    return due.map((before) => {
      const found = sessionsToCut(rightOf(before), candidates(before, listed), admissions, facts, now);
      const [revocation, done] = afterLook(before, { found, listed, now }, admissions);
      this.cuts.note(revocation);
      return { revocation, found, done };
    });
  }

  private async settle(judged: Judged[]): Promise<void> {
    const done = judged.filter((one) => one.done).map(({ revocation }) => revocation);
    await this.revocations.save(judged.filter((one) => !one.done).map(({ revocation }) => revocation));
    await this.revocations.finish(done);
    for (const { revocation, found } of judged) this.remember(revocation, found);
    for (const { id, kind, subject, reason, receipt } of done) {
      this.clean.delete(id);
      this.kicker.gone(receipt);
      this.log.log({ msg: 'revoked', revocationId: id, kind, subject, reason, sessions: receipt.length });
    }
  }

  private remember({ id, cleanSince, attempts, kind, subject }: OpenRevocation, found: MediaSession[]): void {
    if (cleanSince === null) this.clean.delete(id);
    else this.clean.set(id, cleanSince);
    if (found.length > 0 && attempts >= ALARM_AFTER_KICKS) {
      this.log.error({ msg: 'sessions outlive their kicks', revocationId: id, kind, subject, attempts });
    }
  }
}

function rightOf({ kind, subject, attempts, cleanSince, receipt }: OpenRevocation): TakenRight {
  const isFirstLook = attempts === 0 && cleanSince === null;
  return {
    kind,
    subject,
    found: isFirstLook ? undefined : new Set(receipt.map(({ sessionId }) => sessionId)),
  };
}

/** Thousands of single sessions may be due at once, after an event; they are not searched for. */
function candidates({ kind, subject }: OpenRevocation, listed: Map<string, MediaSession>): MediaSession[] {
  if (kind !== 'session') return [...listed.values()];
  const session = listed.get(subject);
  return session ? [session] : [];
}

const withKick = (revocation: OpenRevocation, found: MediaSession[]): OpenRevocation =>
  found.length > 0 ? { ...revocation, attempts: revocation.attempts + 1 } : revocation;

function pauseUntil(waiting: OpenRevocation[], now: number): number | undefined {
  if (waiting.length === 0) return undefined;
  return Math.max(Math.min(...waiting.map(({ nextAttemptAt }) => nextAttemptAt)) - now, MIN_PAUSE_MS);
}
