import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { sign, verify, type JwtPayload } from 'jsonwebtoken';
import { looksLikeToken } from './credential-form.rules';
import type { DerivedKeys } from './secrets';

/** A right to one action on one path, until it expires. */
export interface Ticket {
  /** User or robot on whose behalf it was made. */
  subject: string;
  action: 'read' | 'publish';
  path: string;
  /** Epoch milliseconds after which it opens nothing any more; a session that it opened goes on. */
  expiresAt: number;
  /** Epoch milliseconds at which a session that it opened must have ended. */
  leaveAt?: number;
  /** Tickets of one share link; revoked together. */
  family?: string;
  /** The only IP address from which it opens anything. */
  address?: string;
}

export type TicketClaims = Omit<Ticket, 'path'> & { id: string; pathDigest: string };

/** A logged-in user, as the access token says. */
export interface AccessClaims {
  userId: string;
  username: string;
  role: 'admin' | 'operator' | 'viewer' | 'service';
}

export type TokenProblem = 'MALFORMED' | 'BAD_SIGNATURE' | 'EXPIRED';
type Verified<T> = { ok: true; value: T } | { ok: false; problem: TokenProblem };

const seconds = (ms: number): number => Math.floor(ms / 1000);

/**
 * A path's place in a ticket: 22 characters however long the path, so that a ticket stays under 300 characters
 * (FFmpeg cuts RTMP URLs at 1,024 and SRT stream ids end at 512 bytes).
 */
export function pathDigest(path: string): string {
  return createHash('sha256').update(path).digest().subarray(0, 16).toString('base64url');
}

interface SigningKeys {
  id: string;
  api: KeyObject;
  media: KeyObject;
}

/** As key objects: given bytes, jsonwebtoken tries them as a PEM first and fails, for half of what a check costs. */
const signingKeys = ({ id, api, media }: DerivedKeys): SigningKeys => ({
  id,
  api: createSecretKey(api),
  media: createSecretKey(media),
});

/** Signs and checks access tokens and tickets: JWTs with HMAC-SHA-256, a key per purpose, old keys good until dropped. */
export class Tokens {
  private readonly byId: Map<string, SigningKeys>;
  private readonly newest: SigningKeys;

  /** @param keys the newest first; it signs, all of them verify */
  constructor(keys: DerivedKeys[]) {
    const signing = keys.map(signingKeys);
    this.newest = signing[0];
    this.byId = new Map(signing.map((key) => [key.id, key]));
  }

  signTicket(ticket: Ticket): string {
    const claims = {
      sub: ticket.subject,
      a: ticket.action[0],
      p: pathDigest(ticket.path),
      exp: seconds(ticket.expiresAt),
      jti: randomBytes(9).toString('base64url'),
      ...(ticket.leaveAt !== undefined && { l: seconds(ticket.leaveAt) }),
      ...(ticket.family && { f: ticket.family }),
      ...(ticket.address && { n: ticket.address }),
    };
    return sign(claims, this.newest.media, {
      algorithm: 'HS256',
      keyid: this.newest.id,
      noTimestamp: true,
      // Every character counts: `typ` is left out.
      header: { alg: 'HS256', typ: undefined },
    });
  }

  readTicket(token: string, now: number): Verified<TicketClaims> {
    const read = this.verify(token, 'media', now);
    if (!read.ok) return read;
    const { sub, a, p, exp, jti, l, f, n } = read.value as Record<string, unknown>;
    if (
      typeof sub !== 'string' ||
      typeof p !== 'string' ||
      typeof exp !== 'number' ||
      typeof jti !== 'string'
    ) {
      return { ok: false, problem: 'MALFORMED' };
    }
    if (a !== 'r' && a !== 'p') return { ok: false, problem: 'MALFORMED' };
    // Who must have left by now need not come in.
    if (typeof l === 'number' && l * 1000 <= now) return { ok: false, problem: 'EXPIRED' };
    return {
      ok: true,
      value: {
        id: jti,
        subject: sub,
        action: a === 'r' ? 'read' : 'publish',
        pathDigest: p,
        expiresAt: exp * 1000,
        ...(typeof l === 'number' && { leaveAt: l * 1000 }),
        ...(typeof f === 'string' && { family: f }),
        ...(typeof n === 'string' && { address: n }),
      },
    };
  }

  /** @param ttlSeconds life of the token */
  signAccess(claims: AccessClaims, ttlSeconds: number, now: number): string {
    const body = {
      sub: claims.userId,
      name: claims.username,
      role: claims.role,
      exp: seconds(now) + ttlSeconds,
    };
    return sign(body, this.newest.api, { algorithm: 'HS256', keyid: this.newest.id, audience: 'api' });
  }

  readAccess(token: string, now: number): Verified<AccessClaims> {
    const read = this.verify(token, 'api', now);
    if (!read.ok) return read;
    const { sub, name, role } = read.value as Record<string, string | undefined>;
    if (!sub || !name || !role) return { ok: false, problem: 'MALFORMED' };
    return { ok: true, value: { userId: sub, username: name, role: role as AccessClaims['role'] } };
  }

  private verify(token: string, purpose: 'api' | 'media', now: number): Verified<JwtPayload> {
    if (!looksLikeToken(token)) return { ok: false, problem: 'MALFORMED' };
    const keys = this.byId.get(keyIdOf(token) ?? '');
    if (!keys) return { ok: false, problem: 'BAD_SIGNATURE' };
    try {
      const value = verify(token, keys[purpose], { algorithms: ['HS256'], clockTimestamp: seconds(now) });
      return typeof value === 'object' ? { ok: true, value } : { ok: false, problem: 'MALFORMED' };
    } catch (error) {
      return {
        ok: false,
        problem: (error as Error).name === 'TokenExpiredError' ? 'EXPIRED' : 'BAD_SIGNATURE',
      };
    }
  }
}

function keyIdOf(token: string): string | undefined {
  try {
    const header = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()) as {
      kid?: unknown;
    };
    return typeof header.kid === 'string' ? header.kid : undefined;
  } catch {
    return undefined;
  }
}
