import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PostgresListener } from '@rovercast/database';
import { AuthSettings } from '../auth.settings';
import type { Policy } from './policy';
import { PolicyRepository } from './policy.repository';

/** How often the version is asked for, besides NOTIFY, in milliseconds. */
const VERSION_POLL_MS = 2_000;

/** How soon it is asked for again when Postgres did not answer, in milliseconds. */
const RETRY_MS = 250;

/** Older knowledge than this lets nobody in but holders of tickets, in milliseconds. */
export const POLICY_STALE_MS = 300_000;

/** Keeps the policy in memory: reloaded when Postgres announces a change, and by a version poll behind that. */
@Injectable()
export class PolicyService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(PolicyService.name);
  private readonly listener: PostgresListener;
  private policy?: Policy;
  /** On the clock of `performance.now()`: that of the day may jump. */
  private confirmedAt = -Infinity;
  private loading?: Promise<void>;
  private timer?: NodeJS.Timeout;
  private failing = false;
  private closed = false;

  constructor(
    private readonly repository: PolicyRepository,
    settings: AuthSettings,
  ) {
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'auth',
      channels: ['policy_changed'],
      onNotify: () => void this.reload(),
      onConnect: () => void this.reload(),
      onError: (error) => this.complain('policy listener lost its connection', error),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.reload();
    this.listener.start();
    this.arm();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.listener.close();
  }

  /** The policy, or undefined before the first load. */
  current(): Policy | undefined {
    return this.policy;
  }

  /** Milliseconds since the tables last confirmed what we hold. */
  ageMs(): number {
    return performance.now() - this.confirmedAt;
  }

  isStale(): boolean {
    return this.ageMs() > POLICY_STALE_MS;
  }

  /** Reads everything anew; calls that come while a load runs wait for one more. */
  async reload(): Promise<void> {
    if (this.loading) await this.loading;
    this.loading ??= this.load().finally(() => (this.loading = undefined));
    await this.loading;
  }

  private async load(): Promise<void> {
    // What is read was true when the reading began, and may have changed since.
    const startedAt = performance.now();
    try {
      this.policy = await this.repository.load();
      this.confirm(startedAt);
      this.log.debug({ msg: 'policy loaded', version: this.policy.version });
    } catch (error) {
      this.complain('policy could not be loaded', error as Error);
    }
  }

  private arm(): void {
    if (this.closed) return;
    const pauseMs = this.failing || !this.policy ? RETRY_MS : VERSION_POLL_MS;
    this.timer = setTimeout(() => void this.poll().finally(() => this.arm()), pauseMs);
  }

  private async poll(): Promise<void> {
    const startedAt = performance.now();
    try {
      const version = await this.repository.version();
      if (version === this.policy?.version) this.confirm(startedAt);
      else await this.reload();
    } catch (error) {
      this.complain('policy version could not be read', error as Error);
    }
  }

  private confirm(at: number): void {
    if (this.failing) this.log.log({ msg: 'policy is fresh again' });
    this.failing = false;
    this.confirmedAt = Math.max(at, this.confirmedAt);
  }

  /** Once per outage: ten minutes without Postgres are thousands of attempts. */
  private complain(msg: string, error: Error): void {
    if (this.closed) return;
    const line = { msg, error: error.message };
    if (this.failing) this.log.debug(line);
    else this.log.warn(line);
    this.failing = true;
  }
}
