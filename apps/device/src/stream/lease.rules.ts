/** How a wish reached the robot, and what is known about its age. */
export interface Delivery {
  carrier: 'cmd' | 'desired';
  leaseTtlMs: number;
  /** By the gateway's clock. */
  issuedAtMs: number;
  /** Came out of the broker's memory; under MQTT 5 it may also have been live. */
  retained: boolean;
  /** What the broker says is left (MQTT 5). */
  expirySeconds?: number;
}

/**
 * What a robot without MQTT 5 knows about the gateway's clock: the smallest (own clock − issuedAt) that it saw on a live
 * message, which is the one that travelled fastest, and when it saw it.
 */
export interface ClockOffset {
  offsetMs: number;
  seenAtMs: number;
}

/** After this long a new measurement replaces a smaller old one, so that a gateway whose clock was set is believed again. */
const OFFSET_LIFE_MS = 600_000;

/** The better of the known offset and what this live message shows. */
export function observeClock(known: ClockOffset | undefined, issuedAtMs: number, nowMs: number): ClockOffset {
  const seen = { offsetMs: nowMs - issuedAtMs, seenAtMs: nowMs };
  if (!known || nowMs - known.seenAtMs > OFFSET_LIFE_MS) return seen;
  return seen.offsetMs < known.offsetMs ? seen : known;
}

/**
 * How much of a wish's lease is left, in milliseconds (not positive: it is over), or `unknown`. `nowMs` is any clock of the
 * robot that only moves forward.
 * - MQTT 5, `desired`: the message expires with the lease, so the broker's remaining expiry is what is left.
 * - MQTT 5, `cmd`: its expiry is the caller's patience (5 s) and not the lease; that it arrived means that it is younger.
 * - MQTT 3.1.1: the age is how much later it came than the fastest live message; a retained one says nothing before that.
 */
export function remainingLeaseMs(
  delivery: Delivery,
  clock: ClockOffset | undefined,
  nowMs: number,
): number | 'unknown' {
  const { carrier, leaseTtlMs, issuedAtMs, expirySeconds } = delivery;
  if (expirySeconds !== undefined) {
    return carrier === 'cmd' ? leaseTtlMs : Math.min(leaseTtlMs, expirySeconds * 1000);
  }
  if (!clock) return delivery.retained ? 'unknown' : leaseTtlMs;
  return leaseTtlMs - Math.max(0, nowMs - issuedAtMs - clock.offsetMs);
}
