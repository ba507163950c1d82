import { deriveKeys, newSecret, Tokens } from '@rovercast/access';
import { findCredential, parseMediaRequest, type Credential } from './media-request.rules';

const TICKET = new Tokens([deriveKeys('k'.repeat(32))]).signTicket({
  subject: 'eve',
  action: 'read',
  path: 'robots/r1',
  expiresAt: 2_000_000_000_000,
});
const KEY = newSecret('rk');
const ID = '5b0a7b3c-7f0e-4f1e-9a53-0a1b2c3d4e5f';

/** What MediaMTX v1.20.1 sends for the first DESCRIBE of an RTSP viewer (mediamtx.md, appendix B). */
const aBody = (change: object = {}): Record<string, unknown> => ({
  ip: '10.0.0.7',
  user: '',
  password: '',
  token: '',
  action: 'read',
  path: 'robots/r1',
  protocol: 'rtsp',
  id: ID,
  query: '',
  userAgent: '',
  ...change,
});
const without = (key: string): Record<string, unknown> => {
  const { [key]: _, ...rest } = aBody();
  return rest;
};

const none: Credential = { kind: 'none' };
const ticket: Credential = { kind: 'ticket', token: TICKET };
const key = (user = ''): Credential => ({ kind: 'key', key: KEY, user });
const password = (user: string, text: string): Credential => ({ kind: 'password', user, password: text });
const unreadable = (user = ''): Credential => ({ kind: 'unreadable', user });

describe('the credential of', () => {
  it.each<[string, object, Credential]>([
    ['an RTSP viewer, first DESCRIBE', {}, none],
    [
      'an RTSP viewer, DESCRIBE with Basic',
      { user: 'bob', password: 's3', token: 's3' },
      password('bob', 's3'),
    ],
    [
      'an RTSP viewer, SETUP',
      { user: 'bob', password: 's3', token: 's3', userAgent: 'Lavf61.7.100' },
      password('bob', 's3'),
    ],
    [
      'an RTSP viewer before v1.18, whose token is empty',
      { user: 'bob', password: 's3' },
      password('bob', 's3'),
    ],
    ['an RTSP robot with a query token', { action: 'publish', token: KEY, query: `token=${KEY}` }, key()],
    [
      'an RTSP robot with its key as password',
      { action: 'publish', user: 'r1', password: KEY, token: KEY },
      key('r1'),
    ],
    [
      'an RTMP robot',
      {
        action: 'publish',
        protocol: 'rtmp',
        user: 'r1',
        password: KEY,
        token: KEY,
        query: `user=r1&pass=${KEY}`,
        userAgent: 'FMLE/3.0',
      },
      key('r1'),
    ],
    [
      'an RTMP robot with a ticket',
      { action: 'publish', protocol: 'rtmp', token: TICKET, query: `token=${TICKET}` },
      ticket,
    ],
    [
      'an SRT robot',
      { action: 'publish', protocol: 'srt', user: 'r1', password: KEY, token: KEY, query: 'lab=3' },
      key('r1'),
    ],
    ['an SRT reader with a query', { protocol: 'srt', query: `token=${TICKET}` }, ticket],
    [
      'a standard SRT stream id',
      { protocol: 'srt', user: 'bob', password: 's3', token: 's3' },
      password('bob', 's3'),
    ],
    ['WHEP POST with Bearer', { protocol: 'webrtc', token: TICKET }, ticket],
    ['WHEP OPTIONS with Bearer', { protocol: 'webrtc', token: TICKET, id: null }, ticket],
    ['WHEP with a query token', { protocol: 'webrtc', query: `token=${TICKET}` }, ticket],
    [
      'WHIP from a page with user and pass',
      { action: 'publish', protocol: 'webrtc', query: 'user=bob&pass=s3' },
      password('bob', 's3'),
    ],
    [
      'Bearer user:pass, which MediaMTX takes apart',
      { protocol: 'webrtc', user: 'bob', password: 's3', token: 's3' },
      password('bob', 's3'),
    ],
    ['an HLS page with a query token', { protocol: 'hls', id: null, query: `token=${TICKET}` }, ticket],
    ['an HLS playlist', { protocol: 'hls', query: `token=${TICKET}`, userAgent: 'AppleCoreMedia' }, ticket],
    ['an HLS page that nobody logged in to', { protocol: 'hls', id: null }, none],
    ['the CDN secret on the HLS page', { protocol: 'hls', id: null, token: 'cdn-secret' }, unreadable()],
    ['MoQ with a ticket', { protocol: 'moq', token: TICKET }, ticket],
    [
      'a Control API call with Basic',
      { action: 'api', path: '', protocol: '', id: null, user: 'monitor', password: 's3', token: 's3' },
      password('monitor', 's3'),
    ],
    [
      'Prometheus with a bearer',
      { action: 'metrics', path: '', protocol: '', id: null, token: 'opaque' },
      unreadable(),
    ],
    [
      'playback',
      { action: 'playback', protocol: '', id: null, token: TICKET, query: `path=robots/r1&start=x` },
      ticket,
    ],
    [
      'a server before v1.19',
      { userAgent: undefined, user: 'bob', password: 's3', token: 's3' },
      password('bob', 's3'),
    ],
  ])('%s', (_what, change, credential) => {
    const parsed = parseMediaRequest(JSON.parse(JSON.stringify(aBody(change))));
    expect(parsed).toMatchObject({ ok: true, request: { credential } });
  });

  it.each<[string, Parameters<typeof findCredential>, Credential]>([
    ['a ticket in the place of the password', ['eve', TICKET, TICKET, ''], ticket],
    ['a ticket without a user', ['', TICKET, TICKET, ''], ticket],
    [
      'a password beside somebody else’s token',
      ['bob', 's3', TICKET, `token=${TICKET}`],
      password('bob', 's3'),
    ],
    ['a user without a password', ['bob', '', '', ''], unreadable('bob')],
    ['a password without a user', ['', 's3', 's3', ''], unreadable()],
    ['a token that repeats', ['', '', '', `token=${TICKET}&token=${TICKET}`], unreadable()],
    ['a token that repeats empty', ['', '', '', `token=${TICKET}&token=`], unreadable()],
    ['an empty token', ['', '', '', 'token='], none],
    ['a token among others', ['', '', '', `a=1&token=${TICKET}&b=2`], ticket],
    ['TOKEN, which is another parameter', ['', '', '', `TOKEN=${TICKET}`], none],
    ['a percent-encoded password', ['', '', '', 'user=bob&pass=p%40ss%26'], password('bob', 'p@ss&')],
    ['a key in the query, with its owner', ['', '', '', `user=r1&pass=${KEY}`], key('r1')],
    ['a broken escape', ['', '', '', 'user=bob&pass=%zz'], password('bob', '%zz')],
    ['a query of ampersands', ['', '', '', '&'.repeat(4_096)], none],
    ['an opaque token', ['', '', 'opaque', ''], unreadable()],
    ['a refresh token', ['', '', newSecret('rt'), ''], unreadable()],
  ])('%s', (_what, parts, credential) => {
    expect(findCredential(...parts)).toEqual(credential);
  });
});

describe('parseMediaRequest', () => {
  it('keeps what it uses and drops what it does not know', () => {
    const parsed = parseMediaRequest(aBody({ future: { a: 1 }, password: 's3', user: 'bob', query: 'a=1' }));
    expect(parsed).toEqual({
      ok: true,
      request: {
        action: 'read',
        protocol: 'rtsp',
        path: 'robots/r1',
        ip: '10.0.0.7',
        id: ID,
        userAgent: '',
        credential: password('bob', 's3'),
      },
    });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['text', 'x'],
    ['a number', 7],
    ['an empty object', {}],
    ['a user that is a number', aBody({ user: 7 })],
    ['a password that is an object', aBody({ password: { length: 1 } })],
    ['a token that is a list', aBody({ token: ['a'] })],
    ['an id that is a number', aBody({ id: Infinity })],
    ['a path that is null', aBody({ path: null })],
    ['an action that is true', aBody({ action: true })],
    ['a user of 129 characters', aBody({ user: 'x'.repeat(129) })],
    ['a password of 1,025 characters', aBody({ password: 'x'.repeat(1_025) })],
    ['a path of 10,000 characters', aBody({ path: 'x'.repeat(10_000) })],
    ['a query of 4,097 characters', aBody({ query: 'x'.repeat(4_097) })],
    ...['user', 'password', 'ip', 'action', 'path', 'protocol', 'query'].map(
      (field) => [`no ${field}`, without(field)] as [string, unknown],
    ),
    ['fields of a prototype only', Object.create(aBody())],
  ])('calls %s malformed', (_what, body) => {
    expect(parseMediaRequest(body)).toMatchObject({ ok: false, problem: 'malformed' });
  });

  it.each(['userAgent', 'id', 'token'])('does without %s', (field) => {
    expect(parseMediaRequest(without(field))).toMatchObject({ ok: true });
  });

  it('takes a path and a user out of the body, never out of its prototype', () => {
    const body = JSON.parse(`{"__proto__":${JSON.stringify(aBody({ user: 'admin' }))}}`) as object;
    expect(parseMediaRequest(body)).toMatchObject({ ok: false, problem: 'malformed' });
  });

  it.each([
    ['UNKNOWN_ACTION', { action: 'delete' }],
    ['UNKNOWN_ACTION', { action: '' }],
    ['UNKNOWN_ACTION', { action: 'constructor' }],
    ['UNKNOWN_ACTION', { action: 'READ' }],
    ['UNKNOWN_PROTOCOL', { protocol: 'gopher' }],
    ...[
      '',
      '../x',
      'a//b',
      'a/./b',
      '/a',
      'a/',
      '%2e%2e%2f',
      'a%00b',
      'a\0b',
      'a ',
      'саm1',
      'CAM\u212A',
      'a\r\nb',
      'a:b',
    ].map((path) => ['INVALID_PATH', { path }] as [string, object]),
    ...['publish', 'playback'].map(
      (action) => ['INVALID_PATH', { action, path: 'a/../b' }] as [string, object],
    ),
  ])('refuses %s of %j', (reason, change) => {
    expect(parseMediaRequest(aBody(change))).toEqual({ ok: false, problem: 'refused', reason });
  });

  it.each(['<nil>', '::1', 'fe80::1%eth0', ''])('takes %j for an address', (ip) => {
    expect(parseMediaRequest(aBody({ ip }))).toMatchObject({ ok: true, request: { ip } });
  });

  it('never throws', () => {
    for (const text of ["' OR 1=1--", '${jndi:ldap://x}', '\ud800', '\u0000', '\u001b[31m', '=&=&', '%']) {
      for (const field of [
        'user',
        'password',
        'token',
        'query',
        'path',
        'ip',
        'id',
        'userAgent',
        'action',
        'protocol',
      ]) {
        expect(() => parseMediaRequest(aBody({ [field]: text }))).not.toThrow();
      }
    }
  });
});
