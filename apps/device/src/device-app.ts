import { topic } from '@rovercast/contracts';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { createHttpApp, type JsonLogger } from '@rovercast/platform';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlertsService } from './alerts/alerts.service';
import { ConfigurationService } from './configuration/configuration.service';
import { ConfigurationStore } from './configuration/configuration.store';
import { DeviceModule } from './device.module';
import { discoverEncoders, type Encoders } from './encoder/encoder.discovery';
import { isExclusive } from './encoder/pipeline.rules';
import { Boot } from './presence/boot';
import { ConnectionWatchdog } from './presence/connection.watchdog';
import { PresenceService } from './presence/presence.service';
import { parseCameras, type Camera } from './settings/cameras.rules';
import type { DeviceSettings } from './settings/device.settings';

/** What tests put in place of the machine's own, and what the process knows beside its settings. */
interface DeviceParts {
  encoders?: Encoders;
  reconnectMs?: { min: number; max: number };
  keepaliveSeconds?: number;
  logger?: JsonLogger;
  /** Where the robot keeps what it must not forget. */
  stateDir?: string;
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
  const configuration = new ConfigurationService(
    new ConfigurationStore(parts.stateDir ?? DEFAULT_STATE_DIR, settings.robotId),
  );
  const stillsDir = makeStillsDir(parseCameras(settings.cameras));
  const birth = async (): Promise<void> => {
    boot.connected += 1;
    await app.get(PresenceService).announce();
    await app.get(AlertsService).flush();
  };
  const strategy = robotStrategy(settings, boot, parts, birth);
  const made = { settings, strategy, encoders, boot, configuration, stillsDir };
  const app = await createHttpApp(DeviceModule.with(made), {
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

/** Below the working directory: a robot that is installed gets another one from systemd. */
const DEFAULT_STATE_DIR = '.run/robots';

/** In memory where the machine has a place for that: a picture a second would wear out a card. */
function makeStillsDir(cameras: Camera[]): string | undefined {
  if (!cameras.some(({ source }) => isExclusive(source))) return undefined;
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'rovercast-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
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
