/** A live period of a camera, as far as it matters to somebody who waits for the picture; times by the database's clock. */
export interface RecentStream {
  /** How long it has been out of service, stopping counted in, in milliseconds; null while it is in service. */
  outForMs: number | null;
  /** It ended by a fault before there was a picture. */
  neverCame: boolean;
}

export type WakeAnswer =
  | 'wake'
  /** It is on already, or on its way. */
  | 'RUNNING'
  /** What the reader opened has been on meanwhile, and is over. */
  | 'OVER'
  /** It failed to start, again and again: the next attempt must wait. */
  | 'BACKING_OFF';

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** How many live periods of a camera it takes to answer: the longest pause is reached after that many failures. */
export const RECENT_STREAMS = 5;

/** How long a camera is left alone after so many starts in a row that brought no picture, in milliseconds. */
export function pauseAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}

/**
 * Whether a read wakes a camera.
 * @param readForMs how long ago the door let the reader in
 * @param recent the camera's live periods, newest first
 */
export function answerWake(readForMs: number, recent: readonly RecentStream[]): WakeAnswer {
  const newest = recent.at(0);
  if (!newest) return 'wake';
  if (newest.outForMs === null) return 'RUNNING';
  if (readForMs >= newest.outForMs) return 'OVER';
  const other = recent.findIndex(({ neverCame }) => !neverCame);
  const failures = other === -1 ? recent.length : other;
  return newest.outForMs < pauseAfter(failures) ? 'BACKING_OFF' : 'wake';
}
