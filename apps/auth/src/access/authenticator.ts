import { Injectable } from '@nestjs/common';
import {
  brokerVerifier,
  decide,
  deriveKeys,
  hashSecret,
  pathDigest,
  Tokens,
  type DerivedKeys,
  type TicketClaims,
} from '@rovercast/access';
import { RIGHTS_FOR_TICKET } from '@rovercast/directory';
import type { Admitted } from '../admissions/admission';
import { AuthSettings } from '../auth.settings';
import { KeyRenewals } from '../policy/key-renewals';
import { robotPrincipal, userPrincipal, type KeyPolicy, type Policy } from '../policy/policy';
import { PolicyService } from '../policy/policy.service';
import type { Credential, MediaRequest } from './media-request.rules';
import { PasswordChecks, type PasswordCheck } from './password-checks';

export type AuthenticationProblem =
  | 'NO_CREDENTIALS'
  | 'UNREADABLE_CREDENTIALS'
  | 'TICKET_MALFORMED'
  | 'TICKET_BAD_SIGNATURE'
  | 'TICKET_EXPIRED'
  | 'TICKET_REVOKED'
  | 'TICKET_OF_LOST_RIGHT'
  | 'UNKNOWN_KEY'
  | 'KEY_EXPIRED'
  | 'KEY_OF_ANOTHER_USER'
  | 'WRONG_USER_OR_PASSWORD'
  | 'LOCKED_OUT'
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
export class Authenticator {
  /** The newest first. */
  private readonly keys: DerivedKeys[];
  private readonly tokens: Tokens;

  constructor(
    settings: AuthSettings,
    private readonly policies: PolicyService,
    private readonly passwords: PasswordChecks,
    private readonly renewals: KeyRenewals,
  ) {
    const secrets = [settings.authSecret, settings.authSecretPrevious].filter(
      (secret) => secret !== undefined,
    );
    this.keys = secrets.map(deriveKeys);
    this.tokens = new Tokens(this.keys);
  }

  /** Who asks. A ticket works without a policy; everything else needs one that is not stale. */
  authenticate(
    request: Pick<MediaRequest, 'credential' | 'path' | 'ip'>,
    now: number,
  ): Authentication | Promise<Authentication> {
    const { credential } = request;
    if (credential.kind === 'none') return failed('NO_CREDENTIALS');
    if (credential.kind === 'unreadable') return failed('UNREADABLE_CREDENTIALS');
    if (credential.kind === 'ticket') return this.byTicket(credential.token, request, now);
    const policy = this.policies.current();
    if (!policy) return failed('POLICY_NOT_LOADED');
    if (this.policies.isStale()) return failed('POLICY_STALE');
    return credential.kind === 'key'
      ? this.byKey(credential, policy, now)
      : this.byPassword(credential, policy, request.ip);
  }

  private byTicket(
    token: string,
    { path, ip }: Pick<MediaRequest, 'path' | 'ip'>,
    now: number,
  ): Authentication {
    const read = this.tokens.readTicket(token, now);
    if (!read.ok) return failed(`TICKET_${read.problem}`);
    const { subject, action, pathDigest: bound, id, family, leaveAt, address } = read.value;
    if (family !== undefined && this.policies.current()?.isRevoked(family)) return failed('TICKET_REVOKED');
    const own = bound === pathDigest(path) ? path : '';
    if (own !== '' && this.hasLostRight(read.value, { path: own, address: ip }, now))
      return failed('TICKET_OF_LOST_RIGHT');
    return {
      ok: true,
      method: 'ticket',
      principal: { kind: 'ticket', subject, action, path: own, ...(address !== undefined && { address }) },
      ticket: { id, family, leaveAt },
    };
  }

  /**
   * A ticket ends with the right behind it: the one it was made for is known, and could not hand it out any more, or not for
   * where the client is.
   */
  private hasLostRight(
    { subject, action }: TicketClaims,
    client: { path: string; address: string },
    now: number,
  ): boolean {
    const policy = this.policies.current();
    const [robot, user] = [policy?.robot(subject), policy?.userNamed(subject)];
    const holders = [robot && robotPrincipal(robot), user && userPrincipal(user)].filter(
      (holder) => holder !== undefined,
    );
    return (
      holders.length > 0 &&
      !holders.some((holder) =>
        RIGHTS_FOR_TICKET[action].some((right) => decide(holder, { action: right, ...client }, now).allow),
      )
    );
  }

  private byKey({ key, user }: { key: string; user: string }, policy: Policy, now: number): Authentication {
    for (const keys of this.keys) {
      const keyHash = hashSecret(keys, key);
      const known = policy.key(keyHash);
      if (!known) continue;
      const { owner, expiresAt } = known;
      const robot = 'robotId' in owner ? policy.robot(owner.robotId) : undefined;
      const person = 'userId' in owner ? policy.userWithId(owner.userId) : undefined;
      const name = robot?.id ?? person?.username;
      if (name === undefined) return failed('UNKNOWN_KEY');
      if (user !== '' && user !== name) return failed('KEY_OF_ANOTHER_USER');
      if (expiresAt !== null && expiresAt <= now) return failed('KEY_EXPIRED');
      this.renew(key, known, keyHash);
      const principal = robot ? robotPrincipal(robot) : userPrincipal(person!);
      return { ok: true, method: 'key', principal, keyHash };
    }
    return failed('UNKNOWN_KEY');
  }

  /** A key is at hand only while it is used: what is stored of it is brought up to date then. */
  private renew(key: string, { id, lacksVerifier }: KeyPolicy, oldHash: Buffer): void {
    const newHash = hashSecret(this.keys[0], key);
    if ((newHash.equals(oldHash) && !lacksVerifier) || this.renewals.isWaiting(id)) return;
    this.renewals.add({
      keyId: id,
      oldHash,
      newHash,
      ...(lacksVerifier && { brokerVerifier: brokerVerifier(key) }),
    });
  }

  private byPassword(
    { user, password }: Extract<Credential, { kind: 'password' }>,
    policy: Policy,
    address: string,
  ): Authentication | Promise<Authentication> {
    const passwordHash = policy.userNamed(user)?.passwordHash ?? null;
    const check = this.passwords.check({ username: user, passwordHash, password, address });
    return check instanceof Promise
      ? check.then((result) => this.passwordAnswer(user, passwordHash, result))
      : this.passwordAnswer(user, passwordHash, check);
  }

  /** The check took its time: the user and the password must still be those of the newest policy. */
  private passwordAnswer(
    username: string,
    passwordHash: string | null,
    result: PasswordCheck,
  ): Authentication {
    if (result === 'BAD') return failed('WRONG_USER_OR_PASSWORD');
    if (result !== 'GOOD') return failed(result);
    const user = this.policies.current()?.userNamed(username);
    if (!user || user.passwordHash !== passwordHash) return failed('WRONG_USER_OR_PASSWORD');
    return { ok: true, method: 'password', principal: userPrincipal(user) };
  }
}
