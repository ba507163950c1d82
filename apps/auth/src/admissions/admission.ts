import type { Principal } from '@rovercast/access';

/** Who was let in, and by what; the door's side of an admission. */
export interface Admitted {
  principal: Principal;
  /** Id of the grant that decided. */
  grantId?: string;
  /** The stored form of the stream key that was shown. */
  keyHash?: Buffer;
  ticket?: { id: string; family?: string; /** Epoch milliseconds. */ leaveAt?: number };
}

/** What the media server asked about. */
export interface Question {
  node: string;
  /** The media server's session or connection id. */
  id: string | null;
  action: string;
  path: string;
  protocol: string;
  ip: string;
  userAgent: string;
}

/** A row of `admissions`, on its way there. */
export interface Admission {
  sessionId: string;
  node: string;
  /** Epoch milliseconds. */
  at: number;
  action: string;
  path: string;
  protocol: string;
  address: string;
  userAgent: string;
  principalKind: Principal['kind'];
  principal: string;
  grantId: string | null;
  /** Hex; the row gets the key's id in its place. */
  keyHash: string | null;
  ticketId: string | null;
  ticketFamily: string | null;
  leaveAt: number | null;
}
