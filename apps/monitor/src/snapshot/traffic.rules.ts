/** Bytes in and out of the media server since this monitor started. */
export interface Traffic {
  inboundBytes: number;
  outboundBytes: number;
}

interface Counted extends Traffic {
  id: string;
}

/**
 * Adds what sessions moved between two looks. A session that is new counts from zero; one whose counter went backwards counts
 * anew; what a session moved between the last look and its end is lost.
 */
export function addTraffic(total: Traffic, before: Counted[], after: Counted[]): Traffic {
  const known = new Map(before.map((session) => [session.id, session]));
  const sum = { ...total };
  for (const session of after) {
    const last = known.get(session.id);
    sum.inboundBytes += grown(last?.inboundBytes, session.inboundBytes);
    sum.outboundBytes += grown(last?.outboundBytes, session.outboundBytes);
  }
  return sum;
}

const grown = (before: number | undefined, after: number): number =>
  before === undefined || after < before ? after : after - before;
