import { Injectable, Logger, Optional, type OnApplicationShutdown } from '@nestjs/common';
import { PasswordPool, PasswordPoolFull, Regulation } from '@rovercast/access';
import { Counter, Registry } from 'prom-client';
import { PasswordCache } from './password-cache';

export type PasswordCheck = 'GOOD' | 'BAD' | 'LOCKED_OUT' | 'OVERLOADED' | 'CHECK_FAILED';

export interface PasswordQuestion {
  username: string;
  /** Null when there is no such user, or none with a password: the same work is done. */
  passwordHash: string | null;
  password: string;
  /** IP address of the client. */
  address: string;
}

/** Somebody tries too much; thrown inside a check that others may share. */
class LockedOut extends Error {}

/** Checks passwords: remembered ones at once, others in threads of their own, and not for who tries too many. */
@Injectable()
export class PasswordChecks implements OnApplicationShutdown {
  private readonly log = new Logger(PasswordChecks.name);
  private readonly cache = new PasswordCache();
  private readonly refused: Counter;

  constructor(
    registry: Registry,
    @Optional() private readonly pool: PasswordPool = new PasswordPool(),
    @Optional() private readonly regulation: Regulation = new Regulation(),
  ) {
    this.refused = new Counter({
      name: 'auth_password_checks_refused_total',
      help: 'Passwords that were not looked at, because too many wrong ones came before',
      labelNames: ['because'],
      registers: [registry],
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.close();
  }

  /** What is known to be good costs no check, so no lock holds it up. */
  check(question: PasswordQuestion): PasswordCheck | Promise<PasswordCheck> {
    const { username, passwordHash, password } = question;
    const known = this.cache.get(username, passwordHash, password);
    if (known !== undefined) return known ? 'GOOD' : 'BAD';
    return this.cache
      .check(username, passwordHash, password, () => this.verify(question))
      .then(
        (good) => (good ? 'GOOD' : 'BAD'),
        (error: unknown) => this.failure(username, error),
      );
  }

  private async verify({ username, passwordHash, password, address }: PasswordQuestion): Promise<boolean> {
    const admitted = this.regulation.begin(username, address);
    if (!admitted.ok) {
      this.refused.inc({ because: admitted.because });
      throw new LockedOut();
    }
    const { attempt } = admitted;
    try {
      const good = await this.pool.verify(passwordHash, password);
      if (good) attempt.succeeded();
      else attempt.failed();
      return good;
    } finally {
      attempt.abandoned();
    }
  }

  /** A hash that is none (an import gone wrong) or a thread that died: nobody gets in, and a human must look. */
  private failure(user: string, error: unknown): PasswordCheck {
    if (error instanceof LockedOut) return 'LOCKED_OUT';
    if (error instanceof PasswordPoolFull) return 'OVERLOADED';
    this.log.error({ msg: 'password could not be checked', user, error: (error as Error).message });
    return 'CHECK_FAILED';
  }
}
