import { assertNever, type StreamCause } from '@rovercast/contracts';

/** A stream in service, as Postgres has it; times in epoch milliseconds by the database's clock. */
export interface OpenStream {
  id: string;
  path: string;
  state: 'requested' | 'starting' | 'live' | 'stopping';
  requestedAt: number;
  leaseUntil: number;
  idleSince: number | null;
  /** When its state was last changed. */
  changedAt: number;
}

/** What one complete look at the media server says about a path; absent paths are not listed. */
export interface SeenPath {
  available: boolean;
  viewers: number;
}

/** How often, and since when, a live stream's path has been missing. */
export interface Absence {
  since: number;
  looks: number;
}

export type Action =
  | { do: 'mark-live'; id: string }
  | { do: 'mark-idle'; id: string }
  | { do: 'mark-watched'; id: string }
  | { do: 'mark-stopped'; id: string }
  | { do: 'close'; id: string; cause: StreamCause; failed: boolean };

export interface Limits {
  /** From the request to the picture. */
  startMs: number;
  /** A live path may be missing this long: the robot restarts its encoder meanwhile. */
  lostMs: number;
  /** From the order to stop until the path is gone. */
  stopMs: number;
  /** From the last viewer's leaving to the stop. */
  idleMs: number;
}

/** A path counts as lost only after this many complete looks without it. */
const MIN_ABSENT_LOOKS = 2;

/**
 * What to do about the streams in service after one complete look at the media server. Silence never comes here: without a
 * complete look nothing is decided.
 * @param absences how long live paths have been missing, this look included
 */
export function reconcile(
  streams: OpenStream[],
  seen: ReadonlyMap<string, SeenPath>,
  absences: ReadonlyMap<string, Absence>,
  limits: Limits,
  now: number,
): Action[] {
  return streams.flatMap((stream) => {
    const path = seen.get(stream.path);
    const available = path?.available ?? false;
    switch (stream.state) {
      case 'requested':
      case 'starting':
        if (available) return [{ do: 'mark-live', id: stream.id }];
        return now - stream.requestedAt > limits.startMs
          ? [close(stream, 'start_timeout', { failed: true })]
          : [];
      case 'live':
        return available
          ? watchIdle(stream, path?.viewers ?? 0, limits, now)
          : missing(stream, absences, limits, now);
      case 'stopping':
        if (!available) return [{ do: 'mark-stopped', id: stream.id }];
        return now - stream.changedAt > limits.stopMs ? [{ do: 'mark-stopped', id: stream.id }] : [];
      default:
        return assertNever(stream.state);
    }
  });
}

function watchIdle(stream: OpenStream, viewers: number, limits: Limits, now: number): Action[] {
  if (viewers > 0) return stream.idleSince === null ? [] : [{ do: 'mark-watched', id: stream.id }];
  if (stream.idleSince === null) return [{ do: 'mark-idle', id: stream.id }];
  const idle = now - stream.idleSince >= limits.idleMs;
  return idle && stream.leaseUntil <= now ? [close(stream, 'last_viewer_left', { failed: false })] : [];
}

function missing(
  stream: OpenStream,
  absences: ReadonlyMap<string, Absence>,
  limits: Limits,
  now: number,
): Action[] {
  const absence = absences.get(stream.path);
  if (!absence || absence.looks < MIN_ABSENT_LOOKS || now - absence.since < limits.lostMs) return [];
  return [close(stream, 'media_lost', { failed: true })];
}

const close = (stream: OpenStream, cause: StreamCause, { failed }: { failed: boolean }): Action => ({
  do: 'close',
  id: stream.id,
  cause,
  failed,
});

/** The absences after one more complete look: paths of live streams only, those that are back left out. */
export function countAbsences(
  before: ReadonlyMap<string, Absence>,
  streams: OpenStream[],
  seen: ReadonlyMap<string, SeenPath>,
  now: number,
): Map<string, Absence> {
  const after = new Map<string, Absence>();
  for (const { path, state } of streams) {
    if (state !== 'live' || seen.get(path)?.available) continue;
    const known = before.get(path);
    after.set(path, { since: known?.since ?? now, looks: (known?.looks ?? 0) + 1 });
  }
  return after;
}
