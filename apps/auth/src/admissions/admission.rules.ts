import type { Principal } from '@rovercast/access';
import { assertNever } from '@rovercast/contracts';
import type { Admission, Admitted, Question } from './admission';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TEXT_MAX_CHARS = 256;

/**
 * What is remembered of somebody who was let in; undefined when there is no session to remember: pages of HLS and WebRTC,
 * playback and machine accounts ask without an id.
 * @param now epoch milliseconds
 */
export function admissionOf(question: Question, admitted: Admitted, now: number): Admission | undefined {
  const { id, action, path, protocol, ip, userAgent, node } = question;
  if (id === null || !UUID.test(id)) return undefined;
  const { principal, grantId, keyHash, ticket } = admitted;
  return {
    sessionId: id.toLowerCase(),
    node: storable(node),
    at: now,
    action,
    path,
    protocol,
    address: storable(ip),
    userAgent: storable(userAgent),
    principalKind: principal.kind,
    principal: nameOf(principal),
    grantId: grantId ?? null,
    keyHash: keyHash?.toString('hex') ?? null,
    ticketId: ticket?.id ?? null,
    ticketFamily: ticket?.family ?? null,
    leaveAt: ticket?.leaveAt ?? null,
  };
}

/** User name, robot id or the subject of a ticket. */
export function nameOf(principal: Principal): string {
  switch (principal.kind) {
    case 'user':
      return principal.username;
    case 'robot':
      return principal.robotId;
    case 'ticket':
      return principal.subject;
    default:
      return assertNever(principal);
  }
}

/** Clients choose these texts; Postgres takes neither NUL nor half a character. */
const storable = (text: string): string =>
  text.slice(0, TEXT_MAX_CHARS).replace(/[\p{Cc}\p{Cs}]/gu, '\u{fffd}');
