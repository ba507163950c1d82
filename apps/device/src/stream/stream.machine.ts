import {
  reportedState,
  type Answer,
  type CameraEffect,
  type CameraEvent,
  type CameraState,
  type Pipeline,
  type Run,
} from './camera.state.rules';
import {
  assertNever,
  type ReplyCode,
  type StreamCause,
  type StreamProfile,
  type StreamWish,
} from '@rovercast/contracts';

const ANSWERS_KEPT = 64;
const RESTARTS_MAX = 10;
const RESTART_WINDOW_MS = 600_000;
const STABLE_AFTER_MS = 30_000;
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** The `cmd` with the ticket usually follows its retained copy at once. */
const TICKET_GRACE_MS = 300;
const ASK_EVERY_MS = 5_000;

/**
 * The whole behaviour of a camera: what happened, and what is to be done about it. At most one run exists at any time, because
 * a start is only ordered where there is none and only `exited` removes one.
 */
export function step(state: CameraState, event: CameraEvent): [CameraState, CameraEffect[]] {
  const [told, answers] = take(state, event);
  const [settled, actions] = settle(told, event.nowMs);
  const reports: CameraEffect[] = looksDifferent(state, settled) ? [{ type: 'report' }] : [];
  return [settled, [...actions, ...reports, ...answers]];
}

/** When `timer` is due next, or undefined when nothing waits. */
export function nextWakeMs(state: CameraState, nowMs: number): number | undefined {
  if (!state.wanted) return undefined;
  const due = state.run ? [state.leaseUntilMs] : [state.leaseUntilMs, state.backoffUntilMs, state.askAtMs];
  const ahead = due.filter((atMs) => atMs > nowMs && atMs < Infinity);
  return ahead.length > 0 ? Math.min(...ahead) : undefined;
}

const looksDifferent = (before: CameraState, after: CameraState): boolean =>
  reportedState(before) !== reportedState(after) ||
  before.version !== after.version ||
  before.sessionId !== after.sessionId ||
  before.restarts !== after.restarts ||
  before.cause !== after.cause;

function take(state: CameraState, event: CameraEvent): [CameraState, CameraEffect[]] {
  switch (event.type) {
    case 'wish':
      return takeWish(state, event);
    case 'bareStart':
      return [state.wanted ? state : bareStart(state, event), []];
    case 'bareStop':
      return [unwanted(state, 'user'), []];
    case 'live':
      return [isCurrent(state, event.run) ? live(state) : state, []];
    case 'exited':
      return [state.run?.id === event.run ? exited(state, event) : state, []];
    case 'timer':
      return [state, []];
    case 'shutdown':
      return [unwanted(state, 'robot_local'), []];
    default:
      return assertNever(event);
  }
}

type Wish = Extract<CameraEvent, { type: 'wish' }>;

function takeWish(state: CameraState, event: Wish): [CameraState, CameraEffect[]] {
  const { wish, carrier } = event;
  const known =
    carrier === 'cmd' ? state.answers.find(({ requestId }) => requestId === wish.requestId) : undefined;
  if (known && !bringsNews(state, event)) return [state, [{ type: 'answer', answer: known }]];
  const [next, code, reason] = judge(state, event);
  const asks: CameraEffect[] =
    event.leaseMs === 'unknown' && code === 'expired' ? [{ type: 'askSync', version: state.version }] : [];
  if (carrier === 'desired') return [next, asks];
  if (known && !wish.renew) return [next, [...asks, { type: 'answer', answer: known }]];
  const answer: Answer = {
    requestId: wish.requestId,
    version: next.version,
    code,
    ...(reason && { reason }),
  };
  const answers = [...next.answers, answer].slice(-ANSWERS_KEPT);
  return [{ ...next, answers }, [...asks, { type: 'answer', answer }]];
}

/** A copy of an answered order still counts when it renews the lease, or carries the ticket that was missing. */
function bringsNews(state: CameraState, { wish }: Wish): boolean {
  const same = wish.version === state.version && wish.sessionId === state.sessionId && state.wanted;
  return same && (wish.renew === true || (!state.run && wish.ingest !== undefined));
}

function judge(state: CameraState, event: Wish): [CameraState, ReplyCode, string?] {
  const { wish, leaseMs } = event;
  if (wish.version < state.version) return [state, 'stale', `version ${state.version} is already applied`];
  if (wish.version === state.version) return judgeSameVersion(state, event);
  if (wish.state === 'off') return applyOff(state, wish);
  if (!isPositive(leaseMs)) return [state, 'expired', 'the order is older than its lease'];
  return [applyOn(state, event, leaseMs), 'accepted'];
}

function judgeSameVersion(state: CameraState, event: Wish): [CameraState, ReplyCode, string?] {
  const { wish, leaseMs } = event;
  if (wish.state === 'off') {
    if (state.wanted) return [state, 'stale', `version ${state.version} says on`];
    return [state, state.run ? 'accepted' : 'noop'];
  }
  if (wish.sessionId !== state.sessionId) {
    return [state, 'stale', `version ${state.version} is another session`];
  }
  if (state.failed) return [state, 'noop', 'this session has failed; a new version starts another'];
  if (!state.wanted && state.cause !== 'lease_expired') return [state, 'noop'];
  if (!isPositive(leaseMs)) return [state, 'expired', 'the order is older than its lease'];
  const leaseUntilMs = Math.max(state.wanted ? state.leaseUntilMs : 0, event.nowMs + leaseMs);
  const renewed = withTicket({ ...state, wanted: true, cause: undefined, leaseUntilMs }, event);
  return [renewed, state.wanted && !isFirstWord(state, wish) ? 'renewed' : 'accepted'];
}

/** The retained copy may overtake the order itself, whose caller is still told that it was accepted. */
const isFirstWord = (state: CameraState, wish: StreamWish): boolean =>
  !wish.renew && !state.answers.some(({ version }) => version === wish.version);

const isPositive = (leaseMs: number | 'unknown'): leaseMs is number => leaseMs !== 'unknown' && leaseMs > 0;

function applyOff(state: CameraState, wish: StreamWish): [CameraState, ReplyCode] {
  const code = state.wanted ? 'accepted' : 'noop';
  const next = unwanted({ ...state, version: wish.version }, wish.cause ?? 'user');
  return [{ ...next, sessionId: state.wanted ? state.sessionId : (wish.sessionId ?? null) }, code];
}

function applyOn(state: CameraState, event: Wish, leaseMs: number): CameraState {
  const { wish, nowMs } = event;
  const sameSession = state.wanted && wish.sessionId === state.sessionId;
  const fresh: CameraState = sameSession
    ? state
    : { ...state, ...clean, ingest: undefined, ticketUntilMs: 0 };
  return withTicket(
    {
      ...fresh,
      version: wish.version,
      sessionId: wish.sessionId ?? null,
      wanted: true,
      failed: false,
      cause: undefined,
      detail: undefined,
      leaseUntilMs: nowMs + leaseMs,
      profile: wish.profile ?? state.profile,
      askAtMs: sameSession ? state.askAtMs : nowMs + TICKET_GRACE_MS,
    },
    event,
  );
}

const clean = { attempt: 0, restarts: 0, restartedAtMs: [] as number[], backoffUntilMs: 0 };

/** The ticket's life is measured on the gateway's clock alone, and counted down on ours. */
function withTicket(state: CameraState, { wish, nowMs }: Wish): CameraState {
  if (!wish.ingest) return state;
  const lifeMs = wish.ingest.tokenExpiresAt - wish.issuedAt;
  return { ...state, ingest: wish.ingest, ticketUntilMs: nowMs + lifeMs };
}

function bareStart(state: CameraState, event: Extract<CameraEvent, { type: 'bareStart' }>): CameraState {
  return {
    ...state,
    ...clean,
    sessionId: null,
    wanted: true,
    failed: false,
    cause: undefined,
    detail: undefined,
    leaseUntilMs: Infinity,
    profile: event.profile,
    ingest: event.ingest,
    ticketUntilMs: Infinity,
  };
}

const unwanted = (state: CameraState, cause: StreamCause): CameraState =>
  state.wanted || state.failed
    ? {
        ...state,
        wanted: false,
        failed: false,
        cause,
        detail: undefined,
        ingest: undefined,
        ticketUntilMs: 0,
      }
    : state;

const isCurrent = (state: CameraState, run: number): boolean =>
  state.run?.id === run && state.run.phase === 'starting';

const live = (state: CameraState): CameraState => ({
  ...state,
  cause: undefined,
  detail: undefined,
  run: state.run && { ...state.run, phase: 'live' },
});

function exited(state: CameraState, event: Extract<CameraEvent, { type: 'exited' }>): CameraState {
  const run = state.run!;
  const gone = { ...state, run: undefined };
  if (run.phase === 'stopping' || !state.wanted) return gone;
  const { nowMs, cause, detail } = event;
  const restartedAtMs = [...state.restartedAtMs.filter((at) => nowMs - at < RESTART_WINDOW_MS), nowMs];
  if (restartedAtMs.length > RESTARTS_MAX) {
    return { ...gone, wanted: false, failed: true, cause, detail, ingest: undefined, restartedAtMs };
  }
  const stable = run.phase === 'live' && nowMs - run.startedAtMs >= STABLE_AFTER_MS;
  const attempt = stable ? 0 : state.attempt;
  return {
    ...gone,
    cause,
    detail,
    restartedAtMs,
    restarts: state.restarts + 1,
    attempt: attempt + 1,
    backoffUntilMs: nowMs + backoffMs(attempt, event.random),
    // A refused ticket may have been revoked or outlived by its key; a fresh one is asked for while the pause runs.
    askAtMs: cause === 'ingest_refused' ? nowMs : nowMs + ASK_EVERY_MS,
  };
}

/** Full jitter: anywhere up to a bound that doubles from 1 s to 60 s. */
export const backoffMs = (attempt: number, random: number): number =>
  Math.floor(random * Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(attempt, 10)));

/** Brings what runs in line with what is wanted. */
function settle(before: CameraState, nowMs: number): [CameraState, CameraEffect[]] {
  const overdue = before.wanted && nowMs >= before.leaseUntilMs;
  const state = overdue ? unwanted(before, 'lease_expired') : before;
  const { run } = state;
  if (run) {
    if (run.phase === 'stopping' || fits(run, state)) return [state, []];
    return [{ ...state, run: { ...run, phase: 'stopping' } }, [{ type: 'stop', run: run.id }]];
  }
  if (!state.wanted) return [state, []];
  return startOrAsk(state, nowMs);
}

const fits = (run: Run, state: CameraState): boolean =>
  state.wanted && run.sessionId === state.sessionId && sameProfile(run.profile, state.profile);

const sameProfile = (a: StreamProfile, b: StreamProfile): boolean =>
  a.width === b.width && a.height === b.height && a.fps === b.fps && a.bitrateKbps === b.bitrateKbps;

function startOrAsk(state: CameraState, nowMs: number): [CameraState, CameraEffect[]] {
  const hasTicket = state.ingest !== undefined && nowMs < state.ticketUntilMs;
  const wantsTicket = !hasTicket || state.cause === 'ingest_refused';
  if (wantsTicket && nowMs >= state.askAtMs) {
    const [next, effects] = startIfReady({ ...state, askAtMs: nowMs + ASK_EVERY_MS }, hasTicket, nowMs);
    return [next, [{ type: 'askSync', version: state.version }, ...effects]];
  }
  return startIfReady(state, hasTicket, nowMs);
}

function startIfReady(state: CameraState, hasTicket: boolean, nowMs: number): [CameraState, CameraEffect[]] {
  if (!hasTicket || nowMs < state.backoffUntilMs) return [state, []];
  const { sessionId, profile, ingest } = state;
  const run: Run = { id: state.runs + 1, sessionId, profile, phase: 'starting', startedAtMs: nowMs };
  const pipeline: Pipeline = { sessionId, profile, ingest: ingest! };
  return [{ ...state, run, runs: run.id }, [{ type: 'start', run: run.id, pipeline }]];
}
