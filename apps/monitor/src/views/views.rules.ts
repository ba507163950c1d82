import type { MediaSession } from '@rovercast/mediamtx';
import type { Admissions } from '../revocations/access.facts';

/** A view that goes on; times in epoch milliseconds. */
export interface OpenView {
  sessionId: string;
  kind: string;
  path: string;
  protocol: string;
  principalKind: string;
  principal: string;
  address: string;
  userAgent: string;
  startedAt: number;
  lastSeenAt: number;
  outboundBytes: number;
  /** When the row was last written. */
  writtenAt: number;
  /** Complete looks in a row without the session. */
  absentLooks: number;
}

export type ViewAction =
  | { do: 'open'; view: OpenView }
  | { do: 'touch'; view: OpenView }
  | { do: 'close'; view: OpenView; reason: string };

/** One complete look at a media server. */
export interface ViewLook {
  sessions: MediaSession[];
  admissions: Admissions;
  /** Why sessions were cut, by session id. */
  cuts: { reasonOf(sessionId: string): string | undefined };
  /** When this run of the server began. */
  nodeStartedAt: number;
  now: number;
}

/** Bytes are written this often at most, in milliseconds. */
const WRITE_EVERY_MS = 10_000;
const ABSENT_LOOKS = 2;
export const UNKNOWN = 'unknown';

/**
 * What one complete look changes in the view log, and the views that go on after it. A session counts as ended when two looks
 * miss it, at the time it was last seen; one of an earlier run of the server has ended for certain.
 */
export function followViews(
  before: OpenView[],
  look: ViewLook,
): { actions: ViewAction[]; after: OpenView[] } {
  const reading = new Map(
    look.sessions
      .filter(({ state, path }) => state === 'read' && path !== '')
      .map((session) => [session.id, session]),
  );
  const known = new Set(before.map(({ sessionId }) => sessionId));
  const kept = before.map((view) => follow(view, reading.get(view.sessionId), look));
  const opened = [...reading.values()]
    .filter(({ id }) => !known.has(id))
    .map((session): ViewAction => ({ do: 'open', view: begin(session, look) }));
  const actions = [...kept.filter((one) => one.do !== 'keep'), ...opened];
  return { actions, after: [...kept, ...opened].filter((one) => one.do !== 'close').map(({ view }) => view) };
}

function follow(
  view: OpenView,
  session: MediaSession | undefined,
  look: ViewLook,
): ViewAction | { do: 'keep'; view: OpenView } {
  if (!session) return missing(view, look);
  const seen = {
    ...view,
    ...(view.principalKind === UNKNOWN && who(session, look)),
    lastSeenAt: look.now,
    outboundBytes: Math.max(view.outboundBytes, session.outboundBytes),
    absentLooks: 0,
  };
  const due = look.now - view.writtenAt >= WRITE_EVERY_MS || seen.principalKind !== view.principalKind;
  return due ? { do: 'touch', view: { ...seen, writtenAt: look.now } } : { do: 'keep', view: seen };
}

function missing(view: OpenView, look: ViewLook): ViewAction | { do: 'keep'; view: OpenView } {
  const gone = { ...view, absentLooks: view.absentLooks + 1 };
  if (view.startedAt < look.nodeStartedAt) return { do: 'close', view: gone, reason: 'node_restarted' };
  if (gone.absentLooks < ABSENT_LOOKS) return { do: 'keep', view: gone };
  return { do: 'close', view: gone, reason: look.cuts.reasonOf(view.sessionId) ?? 'left' };
}

function begin(session: MediaSession, look: ViewLook): OpenView {
  return {
    sessionId: session.id,
    kind: session.kind,
    path: session.path,
    protocol: session.protocol,
    ...who(session, look),
    startedAt: session.createdAt.getTime(),
    lastSeenAt: look.now,
    outboundBytes: session.outboundBytes,
    writtenAt: look.now,
    absentLooks: 0,
  };
}

function who(
  session: MediaSession,
  { admissions }: ViewLook,
): Pick<OpenView, 'principalKind' | 'principal' | 'address' | 'userAgent'> {
  const admission = admissions.get(session.id);
  if (!admission) {
    const [address, userAgent] = [session.remoteAddr, session.userAgent].map(storable);
    return { principalKind: UNKNOWN, principal: UNKNOWN, address: withoutPort(address), userAgent };
  }
  const { principalKind, principal, address, userAgent } = admission;
  return { principalKind, principal, address, userAgent };
}

/** `10.0.0.7:40000` or `[::1]:40000`, as MediaMTX lists a client. */
const withoutPort = (address: string): string => address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/** Clients choose these texts; Postgres takes neither NUL nor half a character. */
const storable = (text: string): string => text.slice(0, 256).replace(/[\p{Cc}\p{Cs}]/gu, '\u{fffd}');
