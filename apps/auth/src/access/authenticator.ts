import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import {
  decide,
  deriveKeys,
  hashSecret,
  PasswordPool,
  PasswordPoolFull,
  pathDigest,
  Tokens,
  type DerivedKeys,
} from '@rovercast/access';
import type { Admitted } from '../admissions/admission';
import { AuthSettings } from '../auth.settings';
import { robotPrincipal, userPrincipal, type Policy } from '../policy/policy';
import { PolicyService } from '../policy/policy.service';
import type { Credential, MediaRequest } from './media-request.rules';
import { PasswordCache } from './password-cache';

export type AuthenticationProblem =
  | 'NO_CREDENTIALS'
  | 'UNREADABLE_CREDENTIALS'
  | 'TICKET_MALFORMED'
  | 'TICKET_BAD_SIGNATURE'
  | 'TICKET_EXPIRED'
  | 'TICKET_OF_LOST_RIGHT'
  | 'UNKNOWN_KEY'
  | 'KEY_OF_ANOTHER_USER'
  | 'WRONG_USER_OR_PASSWORD'
  | 'OVERLOADED'
  | 'CHECK_FAILED'
  | 'POLICY_NOT_LOADED'
  | 'POLICY_STALE';

export type Authentication =
  | ({ ok: true; method: 'ticket' | 'key' | 'password' } & Admitted)
  | { ok: false; problem: AuthenticationProblem };

const failed = (problem: AuthenticationProblem): Authentication => ({ ok: false, problem });

/** Finds out who a credential belongs to, cheapest way first: ticket, key, password. */
@Injectable()
export class Authenticator implements OnApplicationShutdown {
  private readonly log = new Logger(Authenticator.name);
  private readonly keys: DerivedKeys[];
  private readonly tokens: Tokens;
  private readonly passwords = new PasswordPool();
  private readonly cache = new PasswordCache();

  constructor(
    settings: AuthSettings,
    private readonly policies: PolicyService,
  ) {
    const secrets = [settings.authSecret, settings.authSecretPrevious].filter(
      (secret) => secret !== undefined,
    );
    this.keys = secrets.map(deriveKeys);
    this.tokens = new Tokens(this.keys);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.passwords.close();
  }

  /** Who asks. A ticket works without a policy; everything else needs one that is not stale. */
  authenticate(
    request: Pick<MediaRequest, 'credential' | 'path'>,
    now: number,
  ): Authentication | Promise<Authentication> {
    const { credential, path } = request;
    if (credential.kind === 'none') return failed('NO_CREDENTIALS');
    if (credential.kind === 'unreadable') return failed('UNREADABLE_CREDENTIALS');
    if (credential.kind === 'ticket') return this.byTicket(credential.token, path, now);
    const policy = this.policies.current();
    if (!policy) return failed('POLICY_NOT_LOADED');
    if (this.policies.isStale()) return failed('POLICY_STALE');
    return credential.kind === 'key' ? this.byKey(credential, policy) : this.byPassword(credential, policy);
  }

  private byTicket(token: string, path: string, now: number): Authentication {
    const read = this.tokens.readTicket(token, now);
    if (!read.ok) return failed(`TICKET_${read.problem}`);
    const { subject, action, pathDigest: bound, id, family, leaveAt } = read.value;
    const own = bound === pathDigest(path) ? path : '';
    if (own !== '' && this.hasLostRight(subject, action, own, now)) return failed('TICKET_OF_LOST_RIGHT');
    return {
      ok: true,
      method: 'ticket',
      principal: { kind: 'ticket', subject, action, path: own },
      ticket: { id, family, leaveAt },
    };
  }

  /** A ticket ends with the right behind it: the one it was made for is known, and may not do that any more. */
  private hasLostRight(subject: string, action: 'read' | 'publish', path: string, now: number): boolean {
    const [robot, user] = [
      this.policies.current()?.robot(subject),
      this.policies.current()?.userNamed(subject),
    ];
    const holders = [robot && robotPrincipal(robot), user && userPrincipal(user)].filter(
      (holder) => holder !== undefined,
    );
    return holders.length > 0 && !holders.some((holder) => decide(holder, { action, path }, now).allow);
  }

  private byKey({ key, user }: { key: string; user: string }, policy: Policy): Authentication {
    for (const keys of this.keys) {
      const keyHash = hashSecret(keys, key);
      const owner = policy.ownerOfKey(keyHash);
      if (!owner) continue;
      const robot = 'robotId' in owner ? policy.robot(owner.robotId) : undefined;
      const person = 'userId' in owner ? policy.userWithId(owner.userId) : undefined;
      const name = robot?.id ?? person?.username;
      if (name === undefined) return failed('UNKNOWN_KEY');
      if (user !== '' && user !== name) return failed('KEY_OF_ANOTHER_USER');
      const principal = robot ? robotPrincipal(robot) : userPrincipal(person!);
      return { ok: true, method: 'key', principal, keyHash };
    }
    return failed('UNKNOWN_KEY');
  }

  private byPassword(
    { user, password }: Extract<Credential, { kind: 'password' }>,
    policy: Policy,
  ): Authentication | Promise<Authentication> {
    const found = policy.userNamed(user);
    const hash = found?.passwordHash ?? null;
    const known = this.cache.get(user, hash, password);
    if (known !== undefined) return this.passwordAnswer(known, found);
    return this.cache
      .check(user, hash, password, () => this.passwords.verify(hash, password))
      .then(
        (good) => this.passwordAnswer(good, found),
        (error: unknown) => this.checkFailure(user, error),
      );
  }

  /** A hash that is none (an import gone wrong) or a thread that died: nobody gets in, and a human must look. */
  private checkFailure(user: string, error: unknown): Authentication {
    if (error instanceof PasswordPoolFull) return failed('OVERLOADED');
    this.log.error({ msg: 'password could not be checked', user, error: (error as Error).message });
    return failed('CHECK_FAILED');
  }

  private passwordAnswer(good: boolean, user: ReturnType<Policy['userNamed']>): Authentication {
    if (!good || !user) return failed('WRONG_USER_OR_PASSWORD');
    return { ok: true, method: 'password', principal: userPrincipal(user) };
  }
}
