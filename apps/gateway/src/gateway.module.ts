import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { deriveKeys, PasswordPool, Tokens, type DerivedKeys } from '@rovercast/access';
import { DatabaseModule } from '@rovercast/database';
import {
  Enrolment,
  Cameras,
  Grants,
  Groups,
  Robots,
  StreamKeys,
  TicketFamilies,
  UserGroups,
  Users,
} from '@rovercast/directory';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { SlotStore } from '@rovercast/quota';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { DataSource } from 'typeorm';
import { AlertPoliciesController } from './alerts/alert-policies.controller';
import { AlertPoliciesRepository } from './alerts/alert-policies.repository';
import { AlertPoliciesService } from './alerts/alert-policies.service';
import { AlertEvents, AlertsController } from './alerts/alerts.controller';
import { AlertsRepository } from './alerts/alerts.repository';
import { AlertsService } from './alerts/alerts.service';
import { EnrolmentController } from './enrolment/enrolment.controller';
import { EnrolmentService } from './enrolment/enrolment.service';
import { AuditController } from './audit/audit.controller';
import { AuditRepository } from './audit/audit.repository';
import { AuditService } from './audit/audit.service';
import { CamerasController } from './cameras/cameras.controller';
import { CamerasService } from './cameras/cameras.service';
import { SourceCheck } from './cameras/source.check';
import { SourceResolver } from './cameras/source.resolver';
import { EventsController } from './events/events.controller';
import { EventsRepository } from './events/events.repository';
import { EventsService } from './events/events.service';
import { FleetNews } from './events/fleet-news';
import { FleetController } from './fleet/fleet.controller';
import { PresenceRegistry } from './fleet/presence.registry';
import { RobotLink } from './fleet/robot-link';
import { GatewaySettings } from './gateway.settings';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor';
import { IdempotencyRepository } from './idempotency/idempotency.repository';
import { DERIVED_KEYS } from './keys';
import { LegacyBridgeService } from './legacy/legacy-bridge.service';
import { LegacyController } from './legacy/legacy.controller';
import { AdmissionService } from './quotas/admission.service';
import { QuotasController } from './quotas/quotas.controller';
import { RobotsController } from './robots/robots.controller';
import { RobotsService } from './robots/robots.service';
import { Accounts } from './session/accounts';
import { CallerGuard } from './session/caller.guard';
import { SessionController } from './session/session.controller';
import { SessionRepository } from './session/session.repository';
import { SessionService } from './session/session.service';
import { JpegParser } from './snapshots/jpeg.parser';
import { SnapshotEvents } from './snapshots/snapshots.events';
import { SnapshotsController } from './snapshots/snapshots.controller';
import { SnapshotsRepository } from './snapshots/snapshots.repository';
import { SnapshotsService } from './snapshots/snapshots.service';
import { SharesController } from './shares/shares.controller';
import { SharesService } from './shares/shares.service';
import { DeadMan } from './streams/dead-man';
import { LegacyRobots } from './streams/legacy-robots';
import { MonitorClient } from './streams/monitor.client';
import { RobotStreamController } from './streams/robot-stream.controller';
import { StreamNews } from './streams/stream-news';
import { StreamOrders } from './streams/stream-orders';
import { StreamsController } from './streams/streams.controller';
import { StreamsRepository } from './streams/streams.repository';
import { StreamsService } from './streams/streams.service';
import { TicketsService } from './streams/tickets.service';
import { WishKeeper } from './streams/wish-keeper';
import { TelemetryController, TelemetryEvents } from './telemetry/telemetry.controller';
import { TelemetryStore } from './telemetry/telemetry.store';
import { GroupGrantsController, UserGrantsController } from './users/grants.controller';
import { GrantsService } from './users/grants.service';
import { KeysController } from './users/keys.controller';
import { KeysService } from './users/keys.service';
import { UserGroupsController } from './users/user-groups.controller';
import { UserGroupsService } from './users/user-groups.service';
import { UsersController } from './users/users.controller';
import { UsersService } from './users/users.service';
import { MediaSessionsService } from './viewers/media-sessions.service';
import { ViewersController } from './viewers/viewers.controller';
import { ViewersRepository } from './viewers/viewers.repository';
import { ViewersService } from './viewers/viewers.service';
import { WakeRepository } from './wake/wake.repository';
import { WakeService } from './wake/wake.service';
import { WhyController } from './why/why.controller';
import { WhyRepository } from './why/why.repository';
import { WhyService } from './why/why.service';

const DIRECTORY = [
  { provide: PasswordPool, useFactory: () => new PasswordPool() },
  {
    provide: DERIVED_KEYS,
    inject: [GatewaySettings],
    useFactory: (settings: GatewaySettings) => deriveKeys(settings.authSecret),
  },
  {
    provide: Tokens,
    inject: [DERIVED_KEYS, GatewaySettings],
    useFactory: (keys: DerivedKeys, { authSecretPrevious }: GatewaySettings) =>
      new Tokens(authSecretPrevious === undefined ? [keys] : [keys, deriveKeys(authSecretPrevious)]),
  },
  {
    provide: Users,
    inject: [DataSource, PasswordPool],
    useFactory: (database: DataSource, passwords: PasswordPool) => new Users(database, passwords),
  },
  {
    provide: Groups,
    inject: [DataSource],
    useFactory: (database: DataSource) => new Groups(database),
  },
  {
    provide: SlotStore,
    inject: [DataSource],
    useFactory: (database: DataSource) => new SlotStore(database),
  },
  {
    provide: Robots,
    inject: [DataSource, DERIVED_KEYS],
    useFactory: (database: DataSource, keys: DerivedKeys) => new Robots(database, keys),
  },
  {
    provide: Enrolment,
    inject: [DataSource, DERIVED_KEYS],
    useFactory: (database: DataSource, keys: DerivedKeys) => new Enrolment(database, keys),
  },
  {
    provide: Cameras,
    inject: [DataSource, DERIVED_KEYS, GatewaySettings],
    useFactory: (database: DataSource, keys: DerivedKeys, { authSecretPrevious }: GatewaySettings) =>
      new Cameras(
        database,
        authSecretPrevious === undefined ? [keys] : [keys, deriveKeys(authSecretPrevious)],
      ),
  },
  {
    provide: StreamKeys,
    inject: [DataSource, DERIVED_KEYS],
    useFactory: (database: DataSource, keys: DerivedKeys) => new StreamKeys(database, keys),
  },
  ...[Grants, TicketFamilies, UserGroups].map((Table) => ({
    provide: Table,
    inject: [DataSource],
    useFactory: (database: DataSource) => new Table(database),
  })),
];

/** The front door: REST in, orders to robots out. */
@Module({})
export class GatewayModule {
  static with(settings: GatewaySettings, strategy: RobotMqttStrategy): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        settingsModule(settings),
        DatabaseModule.with({ url: settings.databaseUrl, applicationName: 'gateway', poolSize: 10 }),
        MetricsModule,
        HealthModule.with<[DataSource]>({
          inject: [DataSource],
          checks: (database) => ({
            database: async () => {
              await database.query('SELECT 1');
            },
            broker: () => {
              if (!strategy.unwrap().connected) throw new Error('not connected');
            },
          }),
        }),
      ],
      controllers: [
        SessionController,
        RobotsController,
        RobotStreamController,
        StreamsController,
        LegacyController,
        QuotasController,
        FleetController,
        EventsController,
        EnrolmentController,
        SnapshotsController,
        SnapshotEvents,
        AlertPoliciesController,
        AlertsController,
        AlertEvents,
        TelemetryController,
        TelemetryEvents,
        CamerasController,
        AuditController,
        SharesController,
        UsersController,
        UserGrantsController,
        KeysController,
        UserGroupsController,
        GroupGrantsController,
        ViewersController,
        WhyController,
      ],
      providers: [
        ...DIRECTORY,
        { provide: RobotMqttStrategy, useValue: strategy },
        { provide: APP_GUARD, useClass: CallerGuard },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        IdempotencyRepository,
        Accounts,
        AdmissionService,
        AlertPoliciesRepository,
        AlertPoliciesService,
        AlertsRepository,
        AlertsService,
        DeadMan,
        EnrolmentService,
        EventsRepository,
        EventsService,
        FleetNews,
        LegacyBridgeService,
        LegacyRobots,
        JpegParser,
        SnapshotsRepository,
        SnapshotsService,
        TelemetryStore,
        MonitorClient,
        PresenceRegistry,
        RobotLink,
        RobotsService,
        SessionRepository,
        SessionService,
        StreamNews,
        StreamOrders,
        StreamsRepository,
        StreamsService,
        TicketsService,
        CamerasService,
        SourceCheck,
        SourceResolver,
        WakeRepository,
        WakeService,
        WishKeeper,
        AuditRepository,
        AuditService,
        GrantsService,
        KeysService,
        MediaSessionsService,
        SharesService,
        UserGroupsService,
        UsersService,
        ViewersRepository,
        ViewersService,
        WhyRepository,
        WhyService,
      ],
    };
  }
}
