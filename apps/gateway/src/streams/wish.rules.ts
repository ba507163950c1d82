import { LEASE_TTL_MS, type Ingest, type StreamWish } from '@rovercast/contracts';
import type { Wish } from './streams.repository';

interface Carrier {
  /** Epoch milliseconds. */
  now: number;
  /** Only on `cmd`: a ticket must not be retained. */
  ingest?: Ingest;
  /** Same version, longer lease. */
  renew?: boolean;
}

/** The document that tells a robot of a wish. */
export function wishDocument(wish: Wish, { now, ingest, renew }: Carrier): StreamWish {
  return {
    v: 1,
    requestId: wish.requestId,
    version: wish.version,
    state: wish.state,
    sessionId: wish.sessionId,
    camera: wish.camera,
    leaseTtlMs: LEASE_TTL_MS,
    issuedAt: now,
    ...(renew && { renew }),
    ...(wish.cause && { cause: wish.cause }),
    ...(wish.profile && { profile: wish.profile }),
    ...(ingest && { ingest }),
  };
}
