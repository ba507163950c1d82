import { isStreamKey, looksLikeToken } from '@rovercast/access';
import {
  isValidPath,
  MEDIA_ACTIONS,
  MEDIA_PROTOCOLS,
  type MediaAction,
  type MediaProtocol,
} from '@rovercast/contracts';

/** A question of the media server, checked. */
export interface MediaRequest {
  action: MediaAction;
  protocol: MediaProtocol | '';
  path: string;
  ip: string;
  id: string | null;
  userAgent: string;
  credential: Credential;
}

/** What a client showed, wherever its protocol put it. */
export type Credential =
  | { kind: 'none' }
  | { kind: 'ticket'; token: string }
  | { kind: 'key'; key: string; user: string }
  | { kind: 'password'; user: string; password: string }
  | { kind: 'unreadable'; user: string };

export type ParsedMediaRequest =
  | { ok: true; request: MediaRequest }
  /** `malformed` is the sender's fault (400); `refused` is a well-formed question that nobody may ask (401). */
  | { ok: false; problem: 'malformed' | 'refused'; reason: string };

const MAX_CHARS = {
  user: 128,
  password: 1024,
  token: 1024,
  ip: 64,
  action: 32,
  path: 1024,
  protocol: 32,
  query: 4096,
  userAgent: 1024,
  id: 64,
};

/**
 * Reads the body that MediaMTX v1.20.1 posts (internal/auth/manager.go:192-231). Unknown keys are ignored, `userAgent` may be
 * missing (before v1.19), `id` may be null.
 */
export function parseMediaRequest(body: unknown): ParsedMediaRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, problem: 'malformed', reason: 'BODY_NOT_AN_OBJECT' };
  }
  const text = new Map<string, string>();
  for (const [key, maxChars] of Object.entries(MAX_CHARS)) {
    const value: unknown = Object.hasOwn(body, key) ? (body as Record<string, unknown>)[key] : undefined;
    const optional = key === 'userAgent' || key === 'id' || key === 'token';
    if (value === undefined || value === null) {
      if (!optional) return { ok: false, problem: 'malformed', reason: `FIELD_MISSING ${key}` };
      continue;
    }
    if (typeof value !== 'string')
      return { ok: false, problem: 'malformed', reason: `FIELD_NOT_A_STRING ${key}` };
    if (value.length > maxChars) return { ok: false, problem: 'malformed', reason: `FIELD_TOO_LONG ${key}` };
    text.set(key, value);
  }
  const get = (key: keyof typeof MAX_CHARS): string => text.get(key) ?? '';
  const action = get('action') as MediaAction;
  const protocol = get('protocol') as MediaProtocol | '';
  if (!MEDIA_ACTIONS.includes(action)) return { ok: false, problem: 'refused', reason: 'UNKNOWN_ACTION' };
  if (protocol !== '' && !MEDIA_PROTOCOLS.includes(protocol)) {
    return { ok: false, problem: 'refused', reason: 'UNKNOWN_PROTOCOL' };
  }
  if (isAboutPath(action) && !isValidPath(get('path')))
    return { ok: false, problem: 'refused', reason: 'INVALID_PATH' };
  return {
    ok: true,
    request: {
      action,
      protocol,
      path: get('path'),
      ip: get('ip'),
      id: text.get('id') ?? null,
      userAgent: get('userAgent'),
      credential: findCredential(get('user'), get('password'), get('token'), get('query')),
    },
  };
}

/** Whether a question is about a path; the others are about the server itself. */
export function isAboutPath(action: MediaAction): boolean {
  return action === 'publish' || action === 'read' || action === 'playback';
}

/**
 * Finds the credential (mediamtx.md 1.6): user and password beat a token, because since v1.18 `token` repeats the password;
 * HLS, WebRTC and SRT clients put `token=` or `user=&pass=` in the query, which MediaMTX does not unpack for them.
 */
export function findCredential(user: string, password: string, token: string, query: string): Credential {
  if (user !== '' || password !== '') return classify(user, password);
  if (token !== '') return classify('', token);
  const parameters = new URLSearchParams(query);
  const tokens = parameters.getAll('token');
  if (tokens.length > 1) return { kind: 'unreadable', user: '' };
  if (tokens.length === 1 && tokens[0] !== '') return classify('', tokens[0]);
  const queryUser = parameters.get('user') ?? '';
  const queryPassword = parameters.get('pass') ?? '';
  return queryUser === '' && queryPassword === '' ? { kind: 'none' } : classify(queryUser, queryPassword);
}

function classify(user: string, secret: string): Credential {
  if (looksLikeToken(secret)) return { kind: 'ticket', token: secret };
  if (isStreamKey(secret)) return { kind: 'key', key: secret, user };
  return user !== '' && secret !== ''
    ? { kind: 'password', user, password: secret }
    : { kind: 'unreadable', user };
}
