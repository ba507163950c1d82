import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  hashSecret,
  newSecret,
  PasswordPool,
  PasswordPoolFull,
  Regulation,
  Tokens,
  type DerivedKeys,
} from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { Users, type Account } from '@rovercast/directory';
import { randomUUID } from 'node:crypto';
import { DERIVED_KEYS } from '../keys';
import { SessionRepository } from './session.repository';
import type { SessionTokens } from './session.dto';

const ACCESS_TTL_SECONDS = 600;
const REFRESH_TTL_SECONDS = 30 * 24 * 3600;

/** Logs people in: a short access token, and a refresh token that works once. */
@Injectable()
export class SessionService {
  private readonly log = new Logger(SessionService.name);
  private readonly regulation = new Regulation();

  constructor(
    private readonly users: Users,
    private readonly passwords: PasswordPool,
    private readonly tokens: Tokens,
    private readonly sessions: SessionRepository,
    @Inject(DERIVED_KEYS) private readonly keys: DerivedKeys,
  ) {}

  /**
   * @param address IP address of the client; without one, wrong passwords only slow the account down
   * @throws DomainError UNAUTHENTICATED, in the same words and the same time for an unknown user and a wrong password;
   *   TOO_MANY_REQUESTS after too many wrong ones from there
   */
  async login(username: string, password: string, address = ''): Promise<SessionTokens> {
    const account = username.includes('\0') ? undefined : await this.users.accountNamed(username);
    const good = await this.tryOnce(username, address, () =>
      this.verify(account?.passwordHash ?? null, password),
    );
    if (!account || !good || account.disabledAt !== null) {
      // A name that nobody has may be a password in the wrong field.
      this.log.warn({ msg: 'login denied', user: account?.username, ip: address });
      throw new DomainError('UNAUTHENTICATED', 'wrong user name or password');
    }
    const refreshToken = newSecret('rt');
    await this.sessions.add({
      family: randomUUID(),
      userId: account.id,
      hash: hashSecret(this.keys, refreshToken),
      ttlSeconds: REFRESH_TTL_SECONDS,
    });
    this.log.log({ msg: 'logged in', user: account.username });
    return this.answer(account, refreshToken);
  }

  /** @throws DomainError UNAUTHENTICATED */
  async refresh(refreshToken: string): Promise<SessionTokens> {
    const next = newSecret('rt');
    const outcome = await this.sessions.rotate(hashSecret(this.keys, refreshToken), {
      hash: hashSecret(this.keys, next),
      ttlSeconds: REFRESH_TTL_SECONDS,
    });
    if (outcome.kind === 'reused') this.log.warn({ msg: 'refresh token used twice: its chain was ended' });
    const account = outcome.kind === 'ok' ? await this.users.accountWithId(outcome.userId) : undefined;
    if (!account || account.disabledAt !== null) {
      throw new DomainError('UNAUTHENTICATED', 'the refresh token is not valid any more: log in again');
    }
    return this.answer(account, next);
  }

  async logout(refreshToken: string): Promise<void> {
    await this.sessions.revoke(hashSecret(this.keys, refreshToken));
  }

  private answer({ id, username, role }: Account, refreshToken: string): SessionTokens {
    const accessToken = this.tokens.signAccess(
      { userId: id, username, role },
      ACCESS_TTL_SECONDS,
      Date.now(),
    );
    return { accessToken, expiresInSeconds: ACCESS_TTL_SECONDS, refreshToken };
  }

  /** @throws DomainError TOO_MANY_REQUESTS */
  private async tryOnce(username: string, address: string, check: () => Promise<boolean>): Promise<boolean> {
    const admitted = this.regulation.begin(username, address);
    if (!admitted.ok) {
      throw new DomainError('TOO_MANY_REQUESTS', 'too many wrong passwords: try again later', {
        retryAfterSeconds: Math.ceil(admitted.retryAfterMs / 1000),
      });
    }
    const { attempt } = admitted;
    try {
      const good = await check();
      if (good) attempt.succeeded();
      else attempt.failed();
      return good;
    } finally {
      attempt.abandoned();
    }
  }

  private async verify(hash: string | null, password: string): Promise<boolean> {
    try {
      return await this.passwords.verify(hash, password);
    } catch (error) {
      if (!(error instanceof PasswordPoolFull)) throw error;
      throw new DomainError('TOO_MANY_REQUESTS', 'too many people log in at once', { retryAfterSeconds: 2 });
    }
  }
}
