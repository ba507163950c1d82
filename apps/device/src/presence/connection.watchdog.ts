import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import type { MqttClient } from 'mqtt';

/** Times the keepalive without any packet until the connection counts as half open. */
const PATIENCE = 2.5;

/**
 * Cuts a connection on which nothing comes any more. MQTT.js has a check of its own (1.5 × keepalive); this one is the second
 * line, on timers of ours.
 */
@Injectable()
export class ConnectionWatchdog implements OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private lastPacketMs = 0;

  constructor(private readonly strategy: RobotMqttStrategy) {}

  /** Starts to watch the strategy's client, which must exist. */
  watch(client: MqttClient = this.strategy.unwrap()): void {
    const limitMs = PATIENCE * 1000 * (client.options.keepalive ?? 20);
    const heard = (): void => void (this.lastPacketMs = performance.now());
    client.on('packetreceive', heard);
    client.on('connect', heard);
    this.checkAgain(client, limitMs);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  private checkAgain(client: MqttClient, limitMs: number): void {
    this.timer = setTimeout(() => {
      if (client.connected && performance.now() - this.lastPacketMs >= limitMs) {
        new Logger(ConnectionWatchdog.name).warn({ msg: 'connection is half open', silentMs: limitMs });
        client.stream.destroy();
      }
      this.checkAgain(client, limitMs);
    }, limitMs / 5);
    this.timer.unref();
  }
}
