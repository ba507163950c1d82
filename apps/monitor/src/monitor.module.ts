import { Module, type DynamicModule } from '@nestjs/common';
import { deriveKeys } from '@rovercast/access';
import { DatabaseModule } from '@rovercast/database';
import { Cameras } from '@rovercast/directory';
import { MediaMtxClient } from '@rovercast/mediamtx';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { SlotStore } from '@rovercast/quota';
import { DataSource } from 'typeorm';
import { CameraPathsService } from './cameras/camera-paths.service';
import { PathConfigsClient } from './cameras/path-configs.client';
import { MonitorSettings } from './monitor.settings';
import { PollMetrics } from './poll/poll.metrics';
import { PollService } from './poll/poll.service';
import { AdmissionsRepository } from './revocations/admissions.repository';
import { AdmissionsStore } from './revocations/admissions.store';
import { CutLog } from './revocations/cut-log';
import { Kicker } from './revocations/kicker';
import { PolicyFactsRepository } from './revocations/policy-facts.repository';
import { PolicyFactsStore } from './revocations/policy-facts.store';
import { RevocationMetrics } from './revocations/revocation.metrics';
import { RevocationsRepository } from './revocations/revocations.repository';
import { RevocationsService } from './revocations/revocations.service';
import { RevocationsWorker } from './revocations/revocations.worker';
import { SightService } from './revocations/sight.service';
import { SweepService } from './revocations/sweep.service';
import { SlotMetrics } from './slots/slots.metrics';
import { SlotsService } from './slots/slots.service';
import { SnapshotController } from './snapshot/snapshot.controller';
import { SnapshotStore } from './snapshot/snapshot.store';
import { StreamsRepository } from './streams/streams.repository';
import { StreamsService } from './streams/streams.service';
import { ViewsRepository } from './views/views.repository';
import { ViewsService } from './views/views.service';

const API_TIMEOUT_MS = 5_000;

const REVOCATIONS = [
  AdmissionsRepository,
  AdmissionsStore,
  CutLog,
  Kicker,
  PolicyFactsRepository,
  PolicyFactsStore,
  RevocationMetrics,
  RevocationsRepository,
  RevocationsService,
  RevocationsWorker,
  SightService,
  SweepService,
];

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
        {
          provide: Cameras,
          inject: [DataSource, MonitorSettings],
          useFactory: (database: DataSource, { authSecret, authSecretPrevious }: MonitorSettings) =>
            new Cameras(
              database,
              [authSecret, authSecretPrevious].filter((secret) => secret !== undefined).map(deriveKeys),
            ),
        },
        CameraPathsService,
        PathConfigsClient,
        PollMetrics,
        PollService,
        {
          provide: SlotStore,
          inject: [DataSource],
          useFactory: (database: DataSource) => new SlotStore(database),
        },
        SlotMetrics,
        SlotsService,
        SnapshotStore,
        StreamsRepository,
        StreamsService,
        ViewsRepository,
        ViewsService,
        ...REVOCATIONS,
      ],
    };
  }
}
