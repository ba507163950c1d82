import type { Admissions, PolicyFacts, SeenSession } from './access.facts';
import { endOfRight, TIMED_ENDS, type EndOfRight } from './rights.rules';

/** A session whose right has ended without anybody asking for it to be cut. */
export interface Overdue {
  sessionId: string;
  reason: EndOfRight;
}

/** How many sessions one look may cut because of what the tables say, whatever they say (reliability.md, I11). */
const MIN_BUDGET = 5;
const BUDGET_SHARE = 0.1;

/** Sessions that should have ended by now. Those that the door does not remember are left alone. */
export function overdueSessions(
  sessions: SeenSession[],
  admissions: Admissions,
  facts: PolicyFacts,
  now: number,
): Overdue[] {
  return sessions.flatMap(({ id }) => {
    const admission = admissions.get(id);
    const reason = admission && endOfRight(admission, facts, now);
    return reason ? [{ sessionId: id, reason }] : [];
  });
}

/** For how long the tables must have said so, in milliseconds: an explicit revocation is usually on its way. */
const INFER_AFTER_MS = 1_500;

/**
 * Which overdue sessions to cut now. An end that the clock brought is certain and cut at once. One that was read out of the
 * tables has to last a little, because an explicit revocation leaves the better receipt, and is cut within a budget, because
 * the tables may be a backup's.
 * @param since when each session was first seen to be overdue, by its id
 */
export function admitCuts(
  overdue: Overdue[],
  since: ReadonlyMap<string, number>,
  { now, sessionCount }: { now: number; sessionCount: number },
): Overdue[] {
  const timed = overdue.filter(isTimed);
  const inferred = overdue.filter(
    (one) => !isTimed(one) && now - (since.get(one.sessionId) ?? now) >= INFER_AFTER_MS,
  );
  const budget = Math.max(MIN_BUDGET, Math.floor(sessionCount * BUDGET_SHARE));
  return [...timed, ...inferred.slice(0, budget)];
}

const isTimed = ({ reason }: Overdue): boolean => (TIMED_ENDS as readonly string[]).includes(reason);

/** How many sessions move media without the door remembering them; young ones may still be on their way to the table. */
export function countUndecided(
  sessions: SeenSession[],
  admissions: Admissions,
  { olderThanMs, now }: { olderThanMs: number; now: number },
): number {
  return sessions.filter(
    ({ id, state, createdAt }) =>
      state !== 'idle' && !admissions.has(id) && now - createdAt.getTime() > olderThanMs,
  ).length;
}
