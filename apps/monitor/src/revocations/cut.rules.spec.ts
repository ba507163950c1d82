import type { Admission, SeenSession } from './access.facts';
import { sessionsToCut, type TakenRight } from './cut.rules';
import { admissionsOf, aGrant, anAdmission, aSession, NOW, someFacts } from './test-facts';

const DISABLED = someFacts({ users: { alice: { disabled: true }, bob: { grants: [aGrant()] } } });
const NO_GRANTS = someFacts({ users: { alice: { grants: [] }, bob: { grants: [aGrant()] } } });

function isCut(
  right: TakenRight,
  {
    session = {},
    admission,
    facts = DISABLED,
  }: { session?: Partial<SeenSession>; admission?: Partial<Admission>; facts?: typeof DISABLED } = {},
): boolean {
  const admissions = admissionsOf(...(admission ? [anAdmission(admission)] : []));
  return sessionsToCut(right, [aSession(session)], admissions, facts, NOW).length === 1;
}

describe('the revocation of a user', () => {
  const alice: TakenRight = { kind: 'user', subject: 'alice' };

  it.each<[string, boolean, Parameters<typeof isCut>[1]]>([
    ['her sessions', true, { admission: {} }],
    ['her sessions whatever they called themselves', true, { session: { user: 'x' }, admission: {} }],
    ['those of her tickets', true, { session: { user: '' }, admission: { principalKind: 'ticket' } }],
    ['those that only call themselves by her name', true, {}],
    ['none of another', false, { session: { user: 'bob' }, admission: { principal: 'bob' } }],
    ["none of another's that uses her name as a label", false, { admission: { principal: 'bob' } }],
    ['none of a robot with her name', false, { admission: { principalKind: 'robot', action: 'publish' } }],
    ['none that is unknown', false, { session: { user: '' } }],
    ['none when she may still watch', false, { admission: {}, facts: someFacts() }],
    ['none that is unnamed when she may still watch', false, { facts: someFacts() }],
    ['hers when she is not in the tables any more', true, { admission: {}, facts: goneAlice() }],
    ['her tickets when she is not', true, { admission: { principalKind: 'ticket' }, facts: goneAlice() }],
    ['what bears her name when she is not', true, { facts: goneAlice() }],
  ])('cuts %s', (_name, cut, situation) => {
    expect(isCut(alice, situation)).toBe(cut);
  });

  it('cuts what she publishes when she may only watch now', () => {
    const facts = someFacts();
    expect(isCut(alice, { admission: { action: 'publish' }, facts })).toBe(true);
    expect(isCut(alice, { session: { state: 'publish' }, facts })).toBe(true);
  });
});

describe('taking back all that a user holds', () => {
  const allOfAlice: TakenRight = { kind: 'user-sessions', subject: 'alice' };
  const mayWatch = someFacts();

  it('cuts every session that there is, though she may come back', () => {
    expect(isCut(allOfAlice, { admission: {}, facts: mayWatch })).toBe(true);
    expect(isCut(allOfAlice, { admission: { principalKind: 'ticket' }, facts: mayWatch })).toBe(true);
    expect(isCut(allOfAlice, { admission: { principal: 'bob' }, facts: mayWatch })).toBe(false);
  });

  it('lets those stay that came after', () => {
    const later: TakenRight = { ...allOfAlice, found: new Set(['an-earlier-session']) };
    expect(isCut(later, { admission: {}, facts: mayWatch })).toBe(false);
    expect(isCut(later, { admission: {} })).toBe(true);
  });
});

function goneAlice(): typeof DISABLED {
  const facts = someFacts({ users: { bob: {} } });
  return { ...facts, users: new Map([...facts.users].filter(([name]) => name !== 'alice')) };
}

describe('the revocation of a grant', () => {
  const ticket = { principalKind: 'ticket', grantId: null } as const;
  const grant: TakenRight = { kind: 'grant', subject: 'g1' };

  it.each<[string, boolean, Parameters<typeof isCut>[1]]>([
    ['what came in by it', true, { admission: {}, facts: NO_GRANTS }],
    ['nobody whom another grant covers', false, { admission: {}, facts: someFacts() }],
    ['nobody who came in by another', false, { admission: { grantId: 'g2' }, facts: NO_GRANTS }],
    ['a ticket that rests on nothing now', true, { admission: ticket, facts: NO_GRANTS }],
    ['no ticket that rests on another grant', false, { admission: ticket, facts: someFacts() }],
    ['no ticket of a guest', false, { admission: { ...ticket, principal: 'guest' }, facts: NO_GRANTS }],
    ['nothing that is unknown', false, { facts: NO_GRANTS }],
  ])('cuts %s', (_name, cut, situation) => {
    expect(isCut(grant, situation)).toBe(cut);
  });

  it.each([
    ['another path', aGrant({ id: 'g2', pattern: 'robots/r2' }), true],
    ['another action', aGrant({ id: 'g2', action: 'publish' }), true],
    ['a time that is over', aGrant({ id: 'g2', expiresAt: NOW }), true],
    ['this path alone', aGrant({ id: 'g2', pattern: 'robots/r1' }), false],
  ])('looks at what a second grant is for: %s', (_name, second, cut) => {
    expect(
      isCut(grant, { admission: {}, facts: someFacts({ users: { alice: { grants: [second] } } }) }),
    ).toBe(cut);
  });
});

describe('the revocation of a robot', () => {
  const robot: TakenRight = { kind: 'robot', subject: 'r1' };
  const publisher = { state: 'publish', user: '' } as const;
  const own = { principal: 'r1', principalKind: 'robot', action: 'publish' } as const;

  it.each<[string, boolean, Parameters<typeof isCut>[1]]>([
    ['its publisher', true, { session: publisher, admission: own }],
    ['its publisher by ticket', true, { session: publisher, admission: { ...own, principalKind: 'ticket' } }],
    ['its publisher that the door forgot', true, { session: publisher }],
    ['its publisher by name', true, { session: { ...publisher, user: 'r1' } }],
    ["none of a user who has the robot's name", false, { admission: { ...own, principalKind: 'user' } }],
    [
      "no ticket to publish elsewhere in the robot's name",
      false,
      { admission: { ...own, principalKind: 'ticket', path: 'studio/1' } },
    ],
    ['no viewer of it', false, { admission: {} }],
    ['no viewer that is unknown', false, { session: { user: '' } }],
    ['no publisher of robot r10', false, { session: { ...publisher, path: 'robots/r10' } }],
    ["nobody else's publisher on its path", false, { session: { ...publisher, user: 'bob' } }],
  ])('cuts %s', (_name, cut, situation) => {
    expect(isCut(robot, situation)).toBe(cut);
  });
});

describe('a robot that comes back while it is cut', () => {
  const again = (robots: Parameters<typeof someFacts>[0], found: string[] = []): boolean =>
    isCut(
      { kind: 'robot', subject: 'r1', found: new Set(found) },
      {
        session: { state: 'publish', user: '' },
        admission: { principal: 'r1', principalKind: 'robot', action: 'publish', keyId: 'k1' },
        facts: someFacts(robots),
      },
    );

  it('may publish with its new key', () => {
    expect(again({ robots: { r1: {} }, keys: { k1: {} } })).toBe(false);
  });
  it('is cut with the old one', () => {
    expect(again({ robots: { r1: {} }, keys: { k1: { revoked: true } } })).toBe(true);
  });
  it('is cut when it is disabled', () => {
    expect(again({ robots: { r1: { disabled: true } } })).toBe(true);
  });
  it('is cut while the session that was found first is still there', () => {
    expect(again({ robots: { r1: {} } }, ['s1'])).toBe(true);
  });
});

describe('the revocation of a key, a family, a session', () => {
  it.each<[TakenRight, boolean, Parameters<typeof isCut>[1]]>([
    [{ kind: 'key', subject: 'k1' }, true, { admission: { keyId: 'k1' } }],
    [{ kind: 'key', subject: 'k1' }, true, { admission: { keyId: 'k1' }, facts: someFacts() }],
    [{ kind: 'key', subject: 'k1' }, false, { admission: { keyId: 'k2' } }],
    [{ kind: 'key', subject: 'k1' }, false, { admission: {} }],
    [{ kind: 'key', subject: 'k1' }, false, {}],
    [{ kind: 'ticket-family', subject: 'f1' }, true, { admission: { ticketFamily: 'f1' } }],
    [{ kind: 'ticket-family', subject: 'f1' }, false, { admission: { ticketFamily: 'f2' } }],
    [{ kind: 'ticket-family', subject: 'f1' }, false, {}],
    [{ kind: 'session', subject: 's1' }, true, {}],
    [{ kind: 'session', subject: 's1' }, true, { admission: {}, facts: someFacts() }],
    [{ kind: 'session', subject: 's2' }, false, {}],
  ])('%j cuts: %s of %j', (right, cut, situation) => {
    expect(isCut(right, situation)).toBe(cut);
  });
});

it('cuts one person on every protocol and nobody beside', () => {
  const kinds = [
    'rtspsessions',
    'rtspssessions',
    'rtmpconns',
    'rtmpsconns',
    'srtconns',
    'webrtcsessions',
    'hlssessions',
  ] as const;
  const sessions = kinds.flatMap((kind) => [
    aSession({ id: `alice-${kind}`, kind }),
    aSession({ id: `bob-${kind}`, kind, user: 'bob' }),
  ]);
  const admissions = admissionsOf(
    ...sessions.map(({ id }) => anAdmission({ sessionId: id, principal: id.split('-')[0] })),
  );
  const cut = sessionsToCut({ kind: 'user', subject: 'alice' }, sessions, admissions, DISABLED, NOW);
  expect(cut.map(({ id }) => id)).toEqual(kinds.map((kind) => `alice-${kind}`));
});
