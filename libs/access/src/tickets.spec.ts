import { sign } from 'jsonwebtoken';
import { looksLikeToken } from './credential-form.rules';
import { deriveKeys } from './secrets';
import { pathDigest, Tokens, type Ticket } from './tickets';

const NOW = 1_700_000_000_000;
const KEYS = deriveKeys('k'.repeat(32));
const OLD = deriveKeys('o'.repeat(32));
const FOREIGN = deriveKeys('f'.repeat(32));
const tokens = new Tokens([KEYS, OLD]);

const aTicket = (change: Partial<Ticket> = {}): Ticket => ({
  subject: 'eve',
  action: 'read',
  path: 'robots/r1',
  expiresAt: NOW + 60_000,
  ...change,
});
const problem = (token: string, now = NOW): string => {
  const read = tokens.readTicket(token, now);
  return read.ok ? 'OK' : read.problem;
};
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a ticket', () => {
  it.each<[string, Partial<Ticket>]>([
    ['to watch', {}],
    ['to publish', { action: 'publish', subject: 'r1' }],
    ['that says when to leave', { leaveAt: NOW + 3_600_000 }],
    ['of a share link', { family: 'f1' }],
  ])('%s comes back as it was made', (_what, change) => {
    const { path, ...rest } = aTicket(change);
    expect(tokens.readTicket(tokens.signTicket(aTicket(change)), NOW)).toEqual({
      ok: true,
      value: { ...rest, pathDigest: pathDigest(path), id: expect.stringMatching(/^[\w-]{12}$/) },
    });
  });

  it('is new each time', () => {
    expect(tokens.signTicket(aTicket())).not.toBe(tokens.signTicket(aTicket()));
  });

  it('ends when it says', () => {
    const token = tokens.signTicket(aTicket());
    expect(problem(token, NOW + 59_000)).toBe('OK');
    expect(problem(token, NOW + 60_000)).toBe('EXPIRED');
    expect(problem(token, NOW + 1e12)).toBe('EXPIRED');
  });

  it('opens nothing any more once its session must have ended', () => {
    const token = tokens.signTicket(aTicket({ expiresAt: NOW + 60_000, leaveAt: NOW + 10_000 }));
    expect(problem(token, NOW + 9_000)).toBe('OK');
    expect(problem(token, NOW + 10_000)).toBe('EXPIRED');
  });

  it('has the form of a token, and stays short for the longest path', () => {
    const subject = '3f2c9f0e-8f0a-4c0e-9b1d-0a1b2c3d4e5f';
    const token = tokens.signTicket(
      aTicket({ subject, path: 'p'.repeat(200), leaveAt: NOW + 1, family: 'a'.repeat(11) }),
    );
    expect(looksLikeToken(token)).toBe(true);
    expect(token.length).toBeLessThan(300);
  });

  it('of the secret before the last rotation is good', () => {
    expect(problem(new Tokens([OLD]).signTicket(aTicket()))).toBe('OK');
  });

  it('of a stranger is not', () => {
    expect(problem(new Tokens([FOREIGN]).signTicket(aTicket()))).toBe('BAD_SIGNATURE');
    const forged = new Tokens([{ ...FOREIGN, id: KEYS.id }]);
    expect(problem(forged.signTicket(aTicket()))).toBe('BAD_SIGNATURE');
  });

  it('with any part changed is not', () => {
    const token = tokens.signTicket(aTicket());
    const [head, body, signature] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const other = signature.startsWith('A') ? 'B' : 'A';
    expect(problem(`${head}.${part({ ...claims, p: pathDigest('robots/r2') })}.${signature}`)).toBe(
      'BAD_SIGNATURE',
    );
    expect(problem(`${head}.${part({ ...claims, exp: 9e9 })}.${signature}`)).toBe('BAD_SIGNATURE');
    expect(problem(`${head}.${body}.${other}${signature.slice(1)}`)).toBe('BAD_SIGNATURE');
  });

  it.each([
    ['no algorithm', { alg: 'none', typ: 'JWT', kid: KEYS.id }],
    ['another algorithm', { alg: 'HS512', typ: 'JWT', kid: KEYS.id }],
    ['a public key algorithm', { alg: 'RS256', typ: 'JWT', kid: KEYS.id }],
    ['no key id', { alg: 'HS256', typ: 'JWT' }],
    ['a key id that is no text', { alg: 'HS256', typ: 'JWT', kid: {} }],
    ['a key id from Object', { alg: 'HS256', typ: 'JWT', kid: 'constructor' }],
  ])('with %s is not', (_what, header) => {
    const body = tokens.signTicket(aTicket()).split('.')[1];
    expect(problem(`${part(header)}.${body}.${'A'.repeat(43)}`)).not.toBe('OK');
  });

  it('signed with nothing is malformed', () => {
    const body = tokens.signTicket(aTicket()).split('.')[1];
    expect(problem(`${part({ alg: 'none', kid: KEYS.id })}.${body}.`)).toBe('MALFORMED');
  });

  it.each([
    '',
    'eyJ',
    'a.b.c',
    'null',
    `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(43)}`,
    'x'.repeat(10_000),
  ])('is not %j', (text) => {
    expect(problem(text)).not.toBe('OK');
  });

  it.each<[string, object]>([
    ['a path', { p: undefined }],
    ['a subject', { sub: undefined }],
    ['an end', { exp: undefined }],
    ['a known action', { a: 'x' }],
    ['an id', { jti: undefined }],
  ])('without %s is malformed even with a good signature', (_what, change) => {
    const claims = {
      sub: 'eve',
      a: 'r',
      p: pathDigest('x'),
      exp: 9_999_999_999,
      jti: 'abcdefghijkl',
      ...change,
    };
    const token = sign(JSON.parse(JSON.stringify(claims)) as object, KEYS.media, {
      keyid: KEYS.id,
      noTimestamp: true,
    });
    expect(problem(token)).toBe('MALFORMED');
  });
});

describe('an access token', () => {
  const claims = { userId: 'u1', username: 'eve', role: 'viewer' } as const;

  it('comes back as it was made, until it ends', () => {
    const token = tokens.signAccess(claims, 600, NOW);
    expect(tokens.readAccess(token, NOW)).toEqual({ ok: true, value: claims });
    expect(tokens.readAccess(token, NOW + 600_000)).toEqual({ ok: false, problem: 'EXPIRED' });
  });

  it('is no ticket, and a ticket is no access token', () => {
    expect(problem(tokens.signAccess(claims, 600, NOW))).toBe('BAD_SIGNATURE');
    expect(tokens.readAccess(tokens.signTicket(aTicket()), NOW)).toEqual({
      ok: false,
      problem: 'BAD_SIGNATURE',
    });
  });
});

describe('pathDigest', () => {
  it('has 22 characters, and another value for each path', () => {
    const digests = ['a', 'b', 'a/b', 'a/', 'A', ''].map(pathDigest);
    expect(new Set(digests).size).toBe(6);
    expect(digests.every((digest) => /^[\w-]{22}$/.test(digest))).toBe(true);
  });
});
