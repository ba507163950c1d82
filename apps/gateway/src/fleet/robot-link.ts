import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ACK_TIMEOUT_MS, DomainError, type RobotReply } from '@rovercast/contracts';
import { OrderRequester, publish, RobotMqttStrategy } from '@rovercast/mqtt';
import type { MqttClient } from 'mqtt';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { GatewaySettings } from '../gateway.settings';
import { PresenceRegistry } from './presence.registry';

/** The one connection to the broker: orders out, answers and news of the robots in. */
@Injectable()
export class RobotLink implements OnApplicationShutdown {
  private readonly log = new Logger(RobotLink.name);
  private requester?: OrderRequester;
  private readonly commands: Counter;
  private readonly duration: Histogram;

  constructor(
    private readonly strategy: RobotMqttStrategy,
    private readonly settings: GatewaySettings,
    registry: Registry,
    private readonly presence: PresenceRegistry,
  ) {
    this.commands = new Counter({
      name: 'robot_commands_total',
      help: 'Orders to robots, by how they ended',
      labelNames: ['command', 'result'],
      registers: [registry],
    });
    this.duration = new Histogram({
      name: 'robot_command_duration_seconds',
      help: 'Time from an order to its acknowledgement',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
    new Gauge({
      name: 'robots_online',
      help: 'Robots whose agent is connected to the broker',
      registers: [registry],
      collect() {
        this.set(presence.onlineCount());
      },
    });
  }

  /** Called once the microservice listens: before that there is no client. */
  open(replica: string): void {
    this.client.on('close', () => this.presence.forgetAll());
    this.requester = new OrderRequester({ client: this.client, replica, version: this.settings.mqttVersion });
  }

  /** Has something done on every connection to the broker, the present one included. */
  whenConnected(act: () => void): void {
    this.client.on('connect', act);
    if (this.client.connected) act();
  }

  get connected(): boolean {
    return this.requester !== undefined && this.client.connected;
  }

  /** @throws DomainError BROKER_UNREACHABLE, ROBOT_OFFLINE, ROBOT_TIMEOUT */
  async order(
    robotId: string,
    name: 'stream' | 'ping' | 'snapshot' | 'configure',
    body: object & { requestId: string },
  ): Promise<RobotReply> {
    const started = performance.now();
    try {
      const reply = await this.ready().order(robotId, name, body, { timeoutMs: ACK_TIMEOUT_MS });
      this.commands.inc({ command: name, result: reply.code });
      return reply;
    } catch (error) {
      this.commands.inc({ command: name, result: error instanceof DomainError ? error.code : 'INTERNAL' });
      throw error;
    } finally {
      this.duration.observe((performance.now() - started) / 1000);
    }
  }

  /** @throws DomainError BROKER_UNREACHABLE */
  async publish(
    topic: string,
    body: object | string | null,
    options?: { expirySeconds?: number },
  ): Promise<{ noSubscriber: boolean }> {
    this.ready();
    return publish(this.client, topic, body, options);
  }

  onApplicationShutdown(): void {
    this.requester?.close();
    this.log.debug('link closed');
  }

  private ready(): OrderRequester {
    if (!this.requester)
      throw new DomainError('BROKER_UNREACHABLE', 'the broker cannot be reached right now', {
        retryAfterSeconds: 2,
      });
    return this.requester;
  }

  private get client(): MqttClient {
    return this.strategy.unwrap();
  }
}
