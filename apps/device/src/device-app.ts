import { topic } from '@rovercast/contracts';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { createHttpApp, type JsonLogger } from '@rovercast/platform';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DeviceModule } from './device.module';
import { discoverEncoders, type Encoders } from './encoder/encoder.discovery';
import { Boot } from './presence/boot';
import { ConnectionWatchdog } from './presence/connection.watchdog';
import { PresenceService } from './presence/presence.service';
import type { DeviceSettings } from './settings/device.settings';

/** What tests put in place of the machine's own. */
interface DeviceParts {
  encoders?: Encoders;
  reconnectMs?: { min: number; max: number };
  keepaliveSeconds?: number;
  logger?: JsonLogger;
}

/**
 * The agent of one robot, from its settings: on its way to the broker, not yet listening for HTTP. `close()` stops every encoder
 * and says good-bye. Several may live in one process.
 */
export async function createDeviceApp(
  settings: DeviceSettings,
  parts: DeviceParts = {},
): Promise<NestFastifyApplication> {
  const encoders = parts.encoders ?? (await discoverEncoders(settings));
  const boot = new Boot();
  const strategy = robotStrategy(settings, boot, parts, () => app.get(PresenceService).announce());
  const app = await createHttpApp(DeviceModule.with({ settings, strategy, encoders, boot }), {
    name: 'device',
    logLevel: settings.logLevel,
    logger: parts.logger,
  });
  app.connectMicroservice<MicroserviceOptions>({ strategy });
  await app.init();
  await app.startAllMicroservices();
  app.get(ConnectionWatchdog).watch();
  return app;
}

function robotStrategy(
  settings: DeviceSettings,
  boot: Boot,
  parts: DeviceParts,
  birth: () => Promise<void>,
): RobotMqttStrategy {
  const { robotId } = settings;
  const replies = new RegExp(`^rc/v1/gw/[A-Za-z0-9_-]{1,64}/reply/${robotId}$`);
  return new RobotMqttStrategy({
    url: settings.mqttUrl,
    username: settings.mqttUsername ?? robotId,
    password: settings.robotKey,
    clientId: robotId,
    version: settings.mqttVersion,
    tls: { ca: settings.mqttCa, cert: settings.mqttCert, key: settings.mqttKey },
    reconnectMs: parts.reconnectMs,
    keepaliveSeconds: parts.keepaliveSeconds,
    variables: { robotId, legacyTopic: settings.legacyTopic },
    allowReplyTo: (address) => replies.test(address),
    bootId: boot.bootId,
    birth,
    will: () => {
      boot.nextConnection();
      const payload = JSON.stringify(boot.presence({ online: false }));
      return { topic: topic('presence', { robotId }), payload, retain: true };
    },
  });
}
