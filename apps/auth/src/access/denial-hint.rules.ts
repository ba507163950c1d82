import type { MediaRequest } from './media-request.rules';

/** What a hint looks at; the credentials themselves never get into it. */
export type HintQuestion = Partial<
  Record<'protocol' | 'path' | 'query' | 'user' | 'password' | 'token', string>
>;

interface Mistake {
  hint: string;
  made: (question: Required<HintQuestion>, names: string[]) => boolean;
}

const has = (names: string[], ...wrong: string[]): boolean => names.some((name) => wrong.includes(name));

/**
 * What clients get wrong, the surest signs first (docs: what users of MediaMTX struggle with). The server itself refuses some
 * of these paths before it asks; others let them through.
 */
const MISTAKES: Mistake[] = [
  {
    hint: 'a stream key is not user:pass:stream; over RTMP it is stream?user=U&pass=P',
    made: ({ protocol, path }) => protocol === 'rtmp' && path.includes(':'),
  },
  {
    hint: 'an SRT stream id is publish:path:user:pass or read:path:user:pass, without a colon inside a part',
    made: ({ protocol, path }) => protocol === 'srt' && (path.includes(':') || path.includes('#!')),
  },
  { hint: 'a path has no colon', made: ({ path }) => path.includes(':') },
  {
    hint: 'a path is compared as it is: percent signs are not decoded',
    made: ({ path }) => path.includes('%'),
  },
  {
    hint: 'a ~ begins a regular expression in the media server’s configuration; a path has none',
    made: ({ path }) => path.includes('~'),
  },
  {
    hint: 'what follows ? or & belongs to the query, not to the path',
    made: ({ path }) => /[?&=]/.test(path),
  },
  {
    hint: 'a path has no slash at its ends and no two in a row',
    made: ({ path }) => path.startsWith('/') || path.endsWith('/') || path.includes('//'),
  },
  {
    hint: 'the word Bearer belongs to an Authorization header: elsewhere the token stands alone',
    made: ({ user, password, token, query }) =>
      [user, password, token].some((text) => /^bearer\b/i.test(text)) || /=bearer(%20|\+|\s)/i.test(query),
  },
  {
    hint: 'token= is in the query more than once',
    made: (_question, names) => names.filter((name) => name === 'token').length > 1,
  },
  {
    hint: 'the parameter of a ticket is named token',
    made: (_question, names) => has(names, 'jwt', 'access_token', 'ticket') && !names.includes('token'),
  },
  {
    hint: 'the parameters are named user and pass',
    made: (_question, names) => has(names, 'password', 'username', 'passwd', 'pwd', 'login'),
  },
  {
    hint: 'a key or a ticket is the password, not the user name',
    made: ({ user, password }) => password === '' && /^([rs]k_|eyJ)/.test(user),
  },
  {
    hint: 'nobody asks an RTMP client for credentials: put ?user=U&pass=P or ?token=T behind the stream key',
    made: ({ protocol, user, password, token, query }) =>
      protocol === 'rtmp' && user + password + token + query === '',
  },
  {
    hint: 'nobody asks an SRT client for credentials: put :user:pass or :token=T behind the path of the stream id',
    made: ({ protocol, user, password, token, query }) =>
      protocol === 'srt' && user + password + token + query === '',
  },
];

/** What a client that was denied probably got wrong, as one sentence without anything of its own; undefined: nothing we know. */
export function hintFor(question: HintQuestion): string | undefined {
  const { protocol = '', path = '', query = '', user = '', password = '', token = '' } = question;
  const names = [...new URLSearchParams(query).keys()].map((name) => name.toLowerCase());
  const all = { protocol, path, query, user, password, token };
  return MISTAKES.find(({ made }) => made(all, names))?.hint;
}

/** The texts of a question, as far as it has any. */
export function hintQuestion(body: unknown): HintQuestion {
  if (typeof body !== 'object' || body === null) return {};
  const text = (key: keyof HintQuestion): string => {
    const value: unknown = Object.hasOwn(body, key) ? (body as Record<string, unknown>)[key] : undefined;
    return typeof value === 'string' ? value.slice(0, 4_096) : '';
  };
  return {
    protocol: text('protocol'),
    path: text('path'),
    query: text('query'),
    user: text('user'),
    password: text('password'),
    token: text('token'),
  };
}

/** Protocols whose clients send a first call without credentials and are asked for them then (mediamtx.md 1.4). */
export function isAskedForCredentials({
  protocol,
  action,
}: Pick<MediaRequest, 'protocol' | 'action'>): boolean {
  return action === 'playback' || (protocol !== 'rtmp' && protocol !== 'srt');
}
