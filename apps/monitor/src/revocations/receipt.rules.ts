import type { Admissions, SeenSession } from './access.facts';
import type { TakenRight } from './cut.rules';

/** One session that a revocation found. */
export interface CutSession {
  sessionId: string;
  node: string;
  kind: string;
  protocol: string;
  path: string;
  principal: string;
  /** From the request to the first look without the session, in milliseconds; null while it is still there. */
  cutAfterMs: number | null;
  /** Seen to be gone. */
  verified: boolean;
}

/** A revocation that is not done; times in epoch milliseconds by the database's clock. */
export interface OpenRevocation extends Pick<TakenRight, 'kind' | 'subject'> {
  id: string;
  reason: string;
  requestedBy: string;
  requestedAt: number;
  /** How often sessions were kicked for it. */
  attempts: number;
  nextAttemptAt: number;
  receipt: CutSession[];
  /** Since when no look has found a session of it; null after one that did. */
  cleanSince: number | null;
}

/** A complete list of the sessions on the media server, with what this revocation wants gone. */
export interface Look {
  found: SeenSession[];
  listed: Pick<ReadonlySet<string>, 'has'>;
  now: number;
}

export const BACKOFF_MS = [200, 500, 1_000, 2_000, 4_000];
/** Two clean looks this far apart … */
export const CLEAN_FOR_MS = 1_000;
/** … and none before the doors have surely heard of the change. */
export const WATCH_FOR_MS = 2_000;
const LOOK_EVERY_MS = 500;

/** The node of everything that has no admission yet. */
const MAIN_NODE = 'main';

/** The revocation after one more look; the second value says whether all is done. */
export function afterLook(
  revocation: OpenRevocation,
  look: Look,
  admissions: Admissions,
): [OpenRevocation, done: boolean] {
  const { found, now } = look;
  const receipt = updated(revocation, look, admissions);
  if (found.length > 0) {
    return [{ ...revocation, receipt, cleanSince: null, nextAttemptAt: now + pauseMs(revocation) }, false];
  }
  const cleanSince = revocation.cleanSince ?? now;
  const doneAt = Math.max(cleanSince + CLEAN_FOR_MS, revocation.requestedAt + WATCH_FOR_MS);
  const nextAttemptAt = Math.min(doneAt, now + LOOK_EVERY_MS);
  return [{ ...revocation, receipt, cleanSince, nextAttemptAt }, now >= doneAt];
}

/** Pause before the next kick of sessions that do not go. */
function pauseMs({ attempts }: OpenRevocation): number {
  return BACKOFF_MS[Math.min(Math.max(attempts - 1, 0), BACKOFF_MS.length - 1)];
}

function updated(revocation: OpenRevocation, look: Look, admissions: Admissions): CutSession[] {
  const { found, listed, now } = look;
  const known = new Set(revocation.receipt.map(({ sessionId }) => sessionId));
  const before = revocation.receipt.map((cut) =>
    cut.verified || listed.has(cut.sessionId)
      ? cut
      : { ...cut, verified: true, cutAfterMs: Math.max(0, Math.round(now - revocation.requestedAt)) },
  );
  const added = found.filter(({ id }) => !known.has(id)).map((session) => line(session, admissions));
  return [...before, ...added];
}

function line(session: SeenSession, admissions: Admissions): CutSession {
  const admission = admissions.get(session.id);
  return {
    sessionId: session.id,
    node: admission?.node ?? MAIN_NODE,
    kind: session.kind,
    protocol: session.protocol,
    path: admission?.path ?? session.path,
    principal: admission?.principal ?? storable(session.user),
    cutAfterMs: null,
    verified: false,
  };
}

/** Clients choose this text; Postgres takes neither NUL nor half a character. */
const storable = (text: string): string => text.replace(/[\p{Cc}\p{Cs}]/gu, '\u{fffd}');
