import type { Principal } from '@rovercast/access';
import { admissionOf } from './admission.rules';

const ID = '5b0a7b3c-7f0e-4f1e-9a53-0a1b2c3d4e5f';
const aQuestion = (change: object = {}) => ({
  node: 'main',
  id: ID as string | null,
  action: 'read',
  path: 'robots/r1',
  protocol: 'rtsp',
  ip: '10.0.0.7',
  userAgent: 'VLC',
  ...change,
});
const USER: Principal = {
  kind: 'user',
  id: 'u1',
  username: 'viewer',
  role: 'viewer',
  disabled: false,
  grants: [],
};

describe('admissionOf', () => {
  it('remembers who came in by which grant', () => {
    expect(admissionOf(aQuestion(), { principal: USER, grantId: 'g1' }, 7)).toEqual({
      sessionId: ID,
      node: 'main',
      at: 7,
      action: 'read',
      path: 'robots/r1',
      protocol: 'rtsp',
      address: '10.0.0.7',
      userAgent: 'VLC',
      principalKind: 'user',
      principal: 'viewer',
      grantId: 'g1',
      keyHash: null,
      ticketId: null,
      ticketFamily: null,
      leaveAt: null,
    });
  });

  it.each<[Principal, string, string]>([
    [USER, 'user', 'viewer'],
    [{ kind: 'robot', robotId: 'r1', disabled: false }, 'robot', 'r1'],
    [{ kind: 'ticket', subject: 'guest', action: 'read', path: 'robots/r1' }, 'ticket', 'guest'],
  ])('names a principal of each kind', (principal, principalKind, name) => {
    expect(admissionOf(aQuestion(), { principal }, 0)).toMatchObject({ principalKind, principal: name });
  });

  it('remembers the key by its stored form, and what a ticket says of itself', () => {
    const ticket = { id: 't1', family: 'f1', leaveAt: 99 };
    expect(
      admissionOf(aQuestion(), { principal: USER, keyHash: Buffer.from([1, 255]), ticket }, 0),
    ).toMatchObject({ keyHash: '01ff', ticketId: 't1', ticketFamily: 'f1', leaveAt: 99 });
  });

  it.each([null, '', 'x', `${ID}0`, ID.replace('5', 'g')])('has nothing to remember for the id %j', (id) => {
    expect(admissionOf(aQuestion({ id }), { principal: USER }, 0)).toBeUndefined();
  });

  it('writes an id as Postgres does', () => {
    expect(admissionOf(aQuestion({ id: ID.toUpperCase() }), { principal: USER }, 0)?.sessionId).toBe(ID);
  });

  it.each([
    ['NUL and line ends', 'a\u0000b\r\nc', 'a\u{fffd}b\u{fffd}\u{fffd}c'],
    ['half a character', 'a\ud800b', 'a\u{fffd}b'],
    ['whole ones', 'plage 🏖', 'plage 🏖'],
    ['too much of it', 'x'.repeat(2_000), 'x'.repeat(256)],
    ['half a character made by cutting', `${'x'.repeat(255)}🏖`, `${'x'.repeat(255)}\u{fffd}`],
  ])('takes the texts of clients with %s', (_name, userAgent, stored) => {
    expect(admissionOf(aQuestion({ userAgent }), { principal: USER }, 0)?.userAgent).toBe(stored);
  });
});
