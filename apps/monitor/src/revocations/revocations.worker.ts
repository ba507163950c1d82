import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PostgresListener } from '@rovercast/database';
import { MonitorSettings } from '../monitor.settings';
import { PollLoop } from '../poll/poll.loop';
import { BACKOFF_MS } from './receipt.rules';
import { RevocationMetrics } from './revocation.metrics';
import { RevocationsService } from './revocations.service';

/** How often the outbox is looked at, besides NOTIFY, in milliseconds. */
const OUTBOX_POLL_MS = 2_000;

/** Sets the outbox of revocations in motion: when one is announced, when one is due, and now and then. */
@Injectable()
export class RevocationsWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('Revocations');
  private readonly loop: PollLoop;
  private readonly listener: PostgresListener;

  constructor(
    private readonly revocations: RevocationsService,
    private readonly metrics: RevocationMetrics,
    settings: MonitorSettings,
  ) {
    this.loop = new PollLoop({
      run: () => this.work(),
      retryMs: BACKOFF_MS[0],
      onError: (error, failures) =>
        this.log.warn({ msg: 'revocations were not worked on', failures, error: (error as Error).message }),
    });
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'monitor-revocations',
      channels: ['revocation_requested'],
      onNotify: () => this.loop.hurry(),
      onConnect: () => this.loop.hurry(),
      onError: (error) => this.log.warn({ msg: 'listener lost its connection', error: error.message }),
    });
  }

  onApplicationBootstrap(): void {
    this.listener.start();
    this.loop.hurry();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.loop.close(), this.listener.close()]);
  }

  private async work(): Promise<number> {
    const outbox = await this.revocations.read();
    this.metrics.pending(outbox.oldest);
    const pauseMs = await this.revocations.work(outbox);
    return Math.min(pauseMs ?? OUTBOX_POLL_MS, OUTBOX_POLL_MS);
  }
}
