import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { deriveKeys, PasswordPool, Tokens, type DerivedKeys } from '@rovercast/access';
import { DatabaseModule } from '@rovercast/database';
import { Robots, Users } from '@rovercast/directory';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { DataSource } from 'typeorm';
import { FleetController } from './fleet/fleet.controller';
import { PresenceRegistry } from './fleet/presence.registry';
import { RobotLink } from './fleet/robot-link';
import { GatewaySettings } from './gateway.settings';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor';
import { IdempotencyRepository } from './idempotency/idempotency.repository';
import { DERIVED_KEYS } from './keys';
import { LegacyController } from './legacy/legacy.controller';
import { RobotsController } from './robots/robots.controller';
import { RobotsService } from './robots/robots.service';
import { Accounts } from './session/accounts';
import { CallerGuard } from './session/caller.guard';
import { SessionController } from './session/session.controller';
import { SessionRepository } from './session/session.repository';
import { SessionService } from './session/session.service';
import { MonitorClient } from './streams/monitor.client';
import { RobotStreamController } from './streams/robot-stream.controller';
import { StreamNews } from './streams/stream-news';
import { StreamOrders } from './streams/stream-orders';
import { StreamsController } from './streams/streams.controller';
import { StreamsRepository } from './streams/streams.repository';
import { StreamsService } from './streams/streams.service';
import { TicketsService } from './streams/tickets.service';
import { WishKeeper } from './streams/wish-keeper';

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
    provide: Robots,
    inject: [DataSource, DERIVED_KEYS],
    useFactory: (database: DataSource, keys: DerivedKeys) => new Robots(database, keys),
  },
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
        FleetController,
      ],
      providers: [
        ...DIRECTORY,
        { provide: RobotMqttStrategy, useValue: strategy },
        { provide: APP_GUARD, useClass: CallerGuard },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        IdempotencyRepository,
        Accounts,
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
        WishKeeper,
      ],
    };
  }
}
