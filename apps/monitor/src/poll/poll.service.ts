import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PostgresListener } from '@rovercast/database';
import { MediaMtxClient } from '@rovercast/mediamtx';
import { MonitorSettings } from '../monitor.settings';
import { SnapshotStore } from '../snapshot/snapshot.store';
import { SweepService } from '../revocations/sweep.service';
import { SlotsService } from '../slots/slots.service';
import { StreamsService } from '../streams/streams.service';
import { ViewsService } from '../views/views.service';
import { PollLoop } from './poll.loop';
import { PollMetrics } from './poll.metrics';

/** Pause while a stream starts or stops, in milliseconds. */
const BUSY_PAUSE_MS = 200;

/** Looks at the media server, keeps what it saw, and has the streams held to it. Only complete looks count. */
@Injectable()
export class PollService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(PollService.name);
  private readonly loop: PollLoop;
  private readonly listener: PostgresListener;

  constructor(
    private readonly media: MediaMtxClient,
    private readonly store: SnapshotStore,
    private readonly streams: StreamsService,
    private readonly slots: SlotsService,
    private readonly views: ViewsService,
    private readonly sweep: SweepService,
    private readonly settings: MonitorSettings,
    private readonly metrics: PollMetrics,
  ) {
    this.loop = new PollLoop({
      run: () => this.look(),
      retryMs: settings.pollIntervalMs,
      onError: (error, failures) => {
        this.metrics.failed();
        this.log.warn({ msg: 'look at the media server failed', failures, error: (error as Error).message });
      },
    });
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'monitor',
      channels: ['stream_changed'],
      onNotify: () => this.loop.hurry(),
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

  private async look(): Promise<number> {
    const startedAt = performance.now();
    const lookedAt = await this.slots.clock();
    const snapshot = await this.media.snapshot();
    this.store.put(snapshot);
    const busy = await this.streams.takeIn(snapshot);
    await this.slots.takeIn(snapshot, lookedAt);
    await this.views.takeIn(snapshot);
    await this.sweep.takeIn(snapshot);
    this.metrics.succeeded(performance.now() - startedAt);
    return busy ? Math.min(BUSY_PAUSE_MS, this.settings.pollIntervalMs) : this.settings.pollIntervalMs;
  }
}
