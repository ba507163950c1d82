import { Module, type DynamicModule } from '@nestjs/common';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { AlertsController } from './alerts/alerts.controller';
import { AlertsService } from './alerts/alerts.service';
import { ConfigurationService } from './configuration/configuration.service';
import { EncoderService } from './encoder/encoder.service';
import type { Encoders } from './encoder/encoder.discovery';
import { ErrandsService } from './orders/errands.service';
import { OrdersController } from './orders/orders.controller';
import { Boot } from './presence/boot';
import { ConnectionWatchdog } from './presence/connection.watchdog';
import { PresenceService } from './presence/presence.service';
import { RobotPublisher } from './presence/robot.publisher';
import { ProbeService } from './probe/probe.service';
import type { DeviceSettings } from './settings/device.settings';
import { SnapshotService } from './snapshot/snapshot.service';
import { AgentMetrics } from './stream/agent.metrics';
import { LegacyController } from './stream/legacy.controller';
import { StreamController } from './stream/stream.controller';
import { StreamService } from './stream/stream.service';
import { TelemetryService } from './telemetry/telemetry.service';

interface Made {
  settings: DeviceSettings;
  strategy: RobotMqttStrategy;
  encoders: Encoders;
  boot: Boot;
  configuration: ConfigurationService;
  /** Where encoders leave the newest pictures of exclusive cameras. */
  stillsDir?: string;
}

/** The agent, around the parts that exist before Nest does. */
@Module({})
export class DeviceModule {
  static with({ settings, strategy, encoders, boot, configuration, stillsDir }: Made): DynamicModule {
    return {
      module: DeviceModule,
      imports: [
        settingsModule(settings),
        MetricsModule,
        HealthModule.with({
          imports: [linkModule(strategy)],
          inject: [RobotMqttStrategy],
          checks: (link) => ({ broker: () => assertConnected(link) }),
        }),
        linkModule(strategy),
      ],
      controllers: [
        OrdersController,
        StreamController,
        AlertsController,
        ...(settings.legacyTopicEnabled ? [LegacyController] : []),
      ],
      providers: [
        { provide: Boot, useValue: boot },
        { provide: EncoderService, useValue: new EncoderService(settings, encoders, stillsDir) },
        { provide: ConfigurationService, useValue: configuration },
        AgentMetrics,
        AlertsService,
        ConnectionWatchdog,
        ErrandsService,
        PresenceService,
        ProbeService,
        RobotPublisher,
        SnapshotService,
        StreamService,
        TelemetryService,
      ],
    };
  }
}

const linkModule = (strategy: RobotMqttStrategy): DynamicModule => ({
  module: class LinkModule {},
  providers: [{ provide: RobotMqttStrategy, useValue: strategy }],
  exports: [RobotMqttStrategy],
});

function assertConnected(strategy: RobotMqttStrategy): void {
  if (!strategy.unwrap().connected) throw new Error('no connection to the broker');
}
