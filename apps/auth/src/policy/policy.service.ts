import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PostgresListener } from '@rovercast/database';
import { AuthSettings } from '../auth.settings';
import type { Policy } from './policy';
import { PolicyRepository } from './policy.repository';

/** How often the version is asked for, besides NOTIFY, in milliseconds. */
const VERSION_POLL_MS = 2_000;

/** Older knowledge than this lets nobody in but holders of tickets, in milliseconds. */
export const POLICY_STALE_MS = 300_000;

/** Keeps the policy in memory: reloaded when Postgres announces a change, and by a version poll behind that. */
@Injectable()
export class PolicyService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(PolicyService.name);
  private readonly listener: PostgresListener;
  private policy?: Policy;
  private confirmedAt = 0;
  private loading?: Promise<void>;
  private timer?: NodeJS.Timeout;
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
      onError: (error) => this.log.warn({ msg: 'policy listener lost its connection', error: error.message }),
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
    return Date.now() - this.confirmedAt;
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
    try {
      this.policy = await this.repository.load();
      this.confirmedAt = Date.now();
      this.log.debug({ msg: 'policy loaded', version: this.policy.version });
    } catch (error) {
      if (!this.closed) this.log.warn({ msg: 'policy could not be loaded', error: (error as Error).message });
    }
  }

  private arm(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => void this.poll().finally(() => this.arm()), VERSION_POLL_MS);
  }

  private async poll(): Promise<void> {
    try {
      const version = await this.repository.version();
      if (version === this.policy?.version) this.confirmedAt = Date.now();
      else await this.reload();
    } catch (error) {
      this.log.warn({ msg: 'policy version could not be read', error: (error as Error).message });
    }
  }
}
