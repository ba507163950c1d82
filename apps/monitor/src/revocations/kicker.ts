import { Injectable, Logger } from '@nestjs/common';
import { MediaMtxClient } from '@rovercast/mediamtx';
import type { SeenSession } from './access.facts';
import type { CutSession, OpenRevocation } from './receipt.rules';
import { RevocationMetrics } from './revocation.metrics';

/** A kick that takes longer goes on by itself: others must not wait for it. */
const PATIENCE_MS = 1_000;
const AT_ONCE = 32;

/** A session to end, and what for. */
export interface Kick {
  session: SeenSession;
  revocation: OpenRevocation;
}

/** Tells the media server to end sessions, many at once. */
@Injectable()
export class Kicker {
  private readonly log = new Logger('Kicker');

  constructor(
    private readonly media: MediaMtxClient,
    private readonly metrics: RevocationMetrics,
  ) {}

  /** Kicks them all. A kick that fails, or hangs, is for the next look. */
  async kickAll(kicks: Kick[]): Promise<void> {
    const waiting = firstOfEach(kicks);
    const next = waiting.values();
    const work = async (): Promise<void> => {
      for (const kick of next) await patiently(this.kick(kick));
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, work));
  }

  /** Sessions of a receipt that is complete. */
  gone(receipt: CutSession[]): void {
    for (const { cutAfterMs } of receipt) if (cutAfterMs !== null) this.metrics.cut(cutAfterMs);
  }

  private async kick({ session, revocation }: Kick): Promise<void> {
    const { id, kind, protocol, path } = session;
    const line = { sessionId: id, kind, protocol, path, revocationId: revocation.id };
    try {
      await this.media.kick(kind, id);
      this.metrics.kicked(revocation, 'ok');
      this.log.warn({ msg: 'kicked', ...line, reason: revocation.reason });
    } catch (error) {
      this.metrics.kicked(revocation, 'failed');
      this.log.warn({ msg: 'kick failed', ...line, error: (error as Error).message });
    }
  }
}

async function patiently(kick: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)));
  await Promise.race([kick, patience]);
  clearTimeout(timer);
}

/** Two revocations may be after the same session. */
function firstOfEach(kicks: Kick[]): Kick[] {
  const seen = new Set<string>();
  return kicks.filter(({ session: { id } }) => !seen.has(id) && seen.add(id));
}
