import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { connectMqtt, mqttOptions, type MqttOptions } from '@rovercast/mqtt';
import type { MqttClient } from 'mqtt';
import { randomUUID } from 'node:crypto';
import { brokerLogin } from '../fleet/broker-login';
import { GatewaySettings } from '../gateway.settings';

/** How long after our death the broker says `stop`, in seconds; a gateway that is back sooner takes the word back (MQTT 5). */
const STOP_AFTER_SECONDS = 20;

/** DISCONNECT that leaves the will standing (MQTT 5.0, 3.14.2.1). */
const WITH_WILL = 0x04;

/** A legacy robot that streams. */
interface Streaming {
  robotId: string;
  topic: string;
}

/**
 * Stops legacy robots when nobody is left to: while one streams, a connection of its own is open whose last will is `stop`. Under
 * MQTT 5 the client id is the robot's and the session outlives the connection by the will's delay: another gateway, or this one
 * after a restart, takes the watch over and the will back. Who loses it takes it again with the next renewal, so that whoever
 * dies, somebody watches. Under 3.1.1 the will goes out at once, and the gateway that started the stream keeps the watch.
 */
@Injectable()
export class DeadMan implements OnApplicationShutdown {
  private readonly log = new Logger(DeadMan.name);
  private readonly holds = new Map<string, MqttClient>();
  private readonly replica = randomUUID().slice(0, 8);

  constructor(private readonly settings: GatewaySettings) {}

  /** Watches over a robot that streams; again for the same one is fine. */
  hold({ robotId, topic }: Streaming): void {
    if (this.holds.has(robotId)) return;
    const client = connectMqtt(this.options(robotId, topic));
    this.holds.set(robotId, client);
    client.on('error', (error) => this.log.debug({ msg: 'dead man', robotId, reason: error.message }));
    client.on('close', () => {
      // Under MQTT 5 it may be that another gateway has the watch now.
      if (this.settings.mqttVersion === 5 && this.holds.get(robotId) === client) this.holds.delete(robotId);
    });
  }

  /** Under MQTT 5, takes over what another gateway may have left. */
  adopt(streaming: Streaming[]): void {
    if (this.settings.mqttVersion === 5) for (const each of streaming) this.hold(each);
  }

  /** The robot was told to stop: no will. */
  release(robotId: string): void {
    const held = this.holds.get(robotId);
    this.holds.delete(robotId);
    held?.end(!held.connected);
  }

  /** The wills stand: unless another gateway takes over, the robots are told to stop. */
  async onApplicationShutdown(): Promise<void> {
    const clients = [...this.holds.values()];
    this.holds.clear();
    await Promise.all(clients.map((client) => this.leave(client)));
  }

  private async leave(client: MqttClient): Promise<void> {
    if (this.settings.mqttVersion === 5 && client.connected)
      return client.endAsync(false, { reasonCode: WITH_WILL }).catch(() => undefined);
    client.stream?.destroy();
    await client.endAsync(true).catch(() => undefined);
  }

  private options(robotId: string, topic: string): MqttOptions {
    const { mqttVersion: version } = this.settings;
    const clientId = version === 5 ? `deadman-${robotId}` : `deadman-${robotId}-${this.replica}`;
    const options = mqttOptions({
      ...brokerLogin(this.settings),
      clientId,
      version,
      will: { topic, payload: 'stop', retain: false },
      reconnectMs: { min: 250, max: 2_000 },
    });
    if (version === 4 || !options.will) return options;
    return {
      ...options,
      reconnectPeriod: 0,
      clean: false,
      will: { ...options.will, properties: { willDelayInterval: STOP_AFTER_SECONDS } },
      properties: { ...options.properties, sessionExpiryInterval: STOP_AFTER_SECONDS },
    };
  }
}
