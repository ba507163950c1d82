import type {
  PublishProtocol,
  ReplyCode,
  ReportedState,
  StreamCause,
  StreamProfile,
  StreamWish,
} from '@rovercast/contracts';

/** Where to publish, and with what right. */
export type Destination = { url: string; protocol: PublishProtocol } & (
  { token: string } | { login: { user: string; pass: string } }
);

/** What the encoder of one live period is made from. */
export interface Pipeline {
  sessionId: string | null;
  ingest: Destination;
  profile: StreamProfile;
}

/** One encoder process, from the order to start it until it is gone. */
export interface Run {
  id: number;
  sessionId: string | null;
  profile: StreamProfile;
  phase: 'starting' | 'live' | 'stopping';
  startedAtMs: number;
}

/** A robot's answer to a `cmd`. */
export interface Answer {
  requestId: string;
  version: number;
  code: ReplyCode;
  reason?: string;
}

/** One camera. All times are milliseconds of a clock that only moves forward. */
export interface CameraState {
  /** Of the wish that was applied last. */
  version: number;
  sessionId: string | null;
  wanted: boolean;
  leaseUntilMs: number;
  profile: StreamProfile;
  ingest?: Destination;
  /** When the ticket in `ingest` ends. */
  ticketUntilMs: number;
  /** When to ask for a ticket (again); only while one is missing. */
  askAtMs: number;
  run?: Run;
  runs: number;
  /** No start before this. */
  backoffUntilMs: number;
  /** Failures without a stable period between them. */
  attempt: number;
  /** Restarts of this live period. */
  restarts: number;
  /** Times of the latest restarts. */
  restartedAtMs: number[];
  failed: boolean;
  cause?: StreamCause;
  detail?: string;
  /** Newest last. */
  answers: Answer[];
}

export type CameraEvent = { nowMs: number } & (
  | {
      type: 'wish';
      wish: StreamWish;
      carrier: 'cmd' | 'desired';
      /** See remainingLeaseMs. */
      leaseMs: number | 'unknown';
    }
  /** The legacy topic, which knows neither versions nor leases. */
  | { type: 'bareStart'; ingest: Destination; profile: StreamProfile }
  | { type: 'bareStop' }
  | { type: 'live'; run: number }
  /** `random` in [0, 1) sets the pause before the next attempt. */
  | { type: 'exited'; run: number; cause: StreamCause; detail?: string; random: number }
  | { type: 'timer' }
  | { type: 'shutdown' }
);

export type CameraEffect =
  | { type: 'start'; run: number; pipeline: Pipeline }
  | { type: 'stop'; run: number }
  | { type: 'answer'; answer: Answer }
  | { type: 'report' }
  | { type: 'askSync'; version: number };

export const initialCamera = (profile: StreamProfile): CameraState => ({
  version: 0,
  sessionId: null,
  wanted: false,
  leaseUntilMs: 0,
  profile,
  ticketUntilMs: 0,
  askAtMs: 0,
  runs: 0,
  backoffUntilMs: 0,
  attempt: 0,
  restarts: 0,
  restartedAtMs: [],
  failed: false,
  answers: [],
});

/** The state's name for the outside. */
export function reportedState(state: CameraState): ReportedState {
  if (state.run) return state.run.phase;
  if (state.failed) return 'failed';
  return state.wanted ? 'starting' : 'idle';
}
