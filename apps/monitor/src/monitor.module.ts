import { Module, type DynamicModule } from '@nestjs/common';
import { DatabaseModule } from '@rovercast/database';
import { MediaMtxClient } from '@rovercast/mediamtx';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { DataSource } from 'typeorm';
import { MonitorSettings } from './monitor.settings';
import { PollMetrics } from './poll/poll.metrics';
import { PollService } from './poll/poll.service';
import { SnapshotController } from './snapshot/snapshot.controller';
import { SnapshotStore } from './snapshot/snapshot.store';
import { StreamsRepository } from './streams/streams.repository';
import { StreamsService } from './streams/streams.service';

const API_TIMEOUT_MS = 5_000;

/** The counter: looks at the media server and holds the streams to what it sees. */
@Module({})
export class MonitorModule {
  static with(settings: MonitorSettings): DynamicModule {
    return {
      module: MonitorModule,
      imports: [
        settingsModule(settings),
        DatabaseModule.with({ url: settings.databaseUrl, applicationName: 'monitor', poolSize: 4 }),
        MetricsModule,
        HealthModule.with<[DataSource]>({
          inject: [DataSource],
          checks: (database) => ({
            database: async () => {
              await database.query('SELECT 1');
            },
          }),
        }),
      ],
      controllers: [SnapshotController],
      providers: [
        {
          provide: MediaMtxClient,
          inject: [MonitorSettings],
          useFactory: ({ mediamtxApiUrl }: MonitorSettings) =>
            new MediaMtxClient({ apiUrl: mediamtxApiUrl, timeoutMs: API_TIMEOUT_MS }),
        },
        PollMetrics,
        PollService,
        SnapshotStore,
        StreamsRepository,
        StreamsService,
      ],
    };
  }
}
