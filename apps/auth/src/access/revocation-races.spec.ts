import { Logger } from '@nestjs/common';
import { decide, deriveKeys, hashSecret, newSecret, PasswordPool, Tokens } from '@rovercast/access';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import type { AuthSettings } from '../auth.settings';
import type { KeyRenewals } from '../policy/key-renewals';
import { Policy, type KeyPolicy, type UserPolicy } from '../policy/policy';
import type { PolicyRepository } from '../policy/policy.repository';
import { PolicyService } from '../policy/policy.service';
import { Authenticator, type Authentication } from './authenticator';
import type { Credential } from './media-request.rules';
import { PasswordChecks } from './password-checks';

const SECRET = 'k'.repeat(32);
const SETTINGS = { databaseUrl: 'postgres://127.0.0.1:1/x', authSecret: SECRET } as AuthSettings;
const KEYS = deriveKeys(SECRET);
const KEY = newSecret('sk');
const PATH = 'robots/r1';
const TICKET = new Tokens([KEYS]).signTicket({
  subject: 'eve',
  action: 'read',
  path: PATH,
  expiresAt: Date.now() + 3_600_000,
  family: 'share',
});
const CREDENTIALS: Record<string, Credential> = {
  password: { kind: 'password', user: 'eve', password: 'right' },
  key: { kind: 'key', key: KEY, user: '' },
  ticket: { kind: 'ticket', token: TICKET },
};

/** What may be taken away, and the credentials that it ends. */
const REVOCATIONS = {
  'the user is disabled': ['password', 'key', 'ticket'],
  'the grant is deleted': ['password', 'key', 'ticket'],
  'the password is changed': ['password'],
  'the key is revoked': ['key'],
  'the share is revoked': ['ticket'],
} as const;
type Revocation = keyof typeof REVOCATIONS;

/** The tables, which change at once; whoever reads them gets what was there when the reading began. */
class Tables {
  readonly done = new Set<Revocation>();

  snapshot(): Policy {
    const has = (revocation: Revocation): boolean => this.done.has(revocation);
    const grant = { id: 'g', action: 'read' as const, pattern: PATH, expiresAt: null };
    const eve: UserPolicy = {
      id: 'u',
      username: 'eve',
      passwordHash: has('the password is changed') ? 'hash of other' : 'hash of right',
      role: 'viewer',
      disabled: has('the user is disabled'),
      grants: has('the grant is deleted') ? [] : [grant],
    };
    const key: KeyPolicy = { id: 'k', owner: { userId: 'u' }, expiresAt: null, lacksVerifier: false };
    return new Policy(
      String(this.done.size),
      new Map([['eve', eve]]),
      new Map([['u', eve]]),
      new Map(),
      has('the key is revoked') ? new Map() : new Map([[hashSecret(KEYS, KEY).toString('hex'), key]]),
      new Set(has('the share is revoked') ? ['share'] : []),
    );
  }
}

/** One interleaving: what is asked, taken away and reloaded, in whatever order the scheduler finds. */
async function run(
  scheduler: fc.Scheduler,
  asks: string[],
  revocation: Revocation,
): Promise<{ lateAllows: string[]; earlyAllows: number }> {
  const tables = new Tables();
  const slowly = <T>(value: T, label: string): Promise<T> =>
    scheduler.schedule(Promise.resolve(value), label);
  const repository = {
    version: async () => slowly(String(tables.done.size), 'version'),
    load: async () => {
      await slowly(undefined, 'load begins');
      return slowly(tables.snapshot(), 'load ends');
    },
  } as unknown as PolicyRepository;
  const pool = {
    verify: (hash: string | null, password: string) => slowly(hash === `hash of ${password}`, 'verify'),
  } as unknown as PasswordPool;
  const policies = new PolicyService(repository, SETTINGS);
  const authenticator = new Authenticator(SETTINGS, policies, new PasswordChecks(new Registry(), pool), {
    isWaiting: () => true,
  } as unknown as KeyRenewals);
  const first = policies.reload();
  await scheduler.waitFor(first);

  let acknowledged = false;
  const lateAllows: string[] = [];
  let earlyAllows = 0;
  const ask = async (name: string): Promise<void> => {
    await slowly(undefined, `ask by ${name}`);
    const found: Authentication = await authenticator.authenticate(
      { credential: CREDENTIALS[name], path: PATH, ip: '192.0.2.7' },
      Date.now(),
    );
    const allowed = found.ok && decide(found.principal, { action: 'read', path: PATH }, Date.now()).allow;
    const ended = (REVOCATIONS[revocation] as readonly string[]).includes(name);
    if (allowed && acknowledged && ended) lateAllows.push(name);
    if (allowed) earlyAllows += 1;
  };
  const revoke = async (): Promise<void> => {
    await slowly(undefined, 'revoke');
    tables.done.add(revocation);
    await policies.reload();
    acknowledged = true;
  };
  const poll = async (): Promise<void> => {
    await slowly(undefined, 'poll');
    await policies.reload();
  };
  const all = Promise.all([...asks.map(ask), revoke(), poll(), poll()]);
  await scheduler.waitFor(all);
  for (const name of Object.keys(CREDENTIALS)) await scheduler.waitFor(ask(name));
  await policies.onApplicationShutdown();
  return { lateAllows, earlyAllows };
}

describe('whatever the order of asks, checks, reloads and a revocation', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(new Logger()));

  it.each(Object.keys(REVOCATIONS) as Revocation[])(
    'nobody is let in after the reload: %s',
    async (revocation) => {
      let allowedBefore = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.scheduler(),
          fc.array(fc.constantFrom(...Object.keys(CREDENTIALS)), { minLength: 1, maxLength: 8 }),
          async (scheduler, asks) => {
            const { lateAllows, earlyAllows } = await run(scheduler, asks, revocation);
            allowedBefore += earlyAllows;
            expect(lateAllows).toEqual([]);
          },
        ),
        { numRuns: Number(process.env.RACES ?? 100) },
      );
      expect(allowedBefore).toBeGreaterThan(0);
    },
  );
});
