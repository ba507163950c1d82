import { Module, type DynamicModule } from '@nestjs/common';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { HealthModule, MetricsModule, settingsModule } from '@rovercast/platform';
import { EncoderService } from './encoder/encoder.service';
import type { Encoders } from './encoder/encoder.discovery';
import { Boot } from './presence/boot';
import { ConnectionWatchdog } from './presence/connection.watchdog';
import { PresenceService } from './presence/presence.service';
import { RobotPublisher } from './presence/robot.publisher';
import type { DeviceSettings } from './settings/device.settings';
import { AgentMetrics } from './stream/agent.metrics';
import { LegacyController } from './stream/legacy.controller';
import { StreamController } from './stream/stream.controller';
import { StreamService } from './stream/stream.service';

interface Made {
  settings: DeviceSettings;
  strategy: RobotMqttStrategy;
  encoders: Encoders;
  boot: Boot;
}

/** The agent, around the parts that exist before Nest does. */
@Module({})
export class DeviceModule {
  static with({ settings, strategy, encoders, boot }: Made): DynamicModule {
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
      controllers: settings.legacyTopicEnabled ? [StreamController, LegacyController] : [StreamController],
      providers: [
        { provide: Boot, useValue: boot },
        { provide: EncoderService, useValue: new EncoderService(settings, encoders) },
        AgentMetrics,
        ConnectionWatchdog,
        PresenceService,
        RobotPublisher,
        StreamService,
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
