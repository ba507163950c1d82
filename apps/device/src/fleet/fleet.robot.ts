import { topic, TOPICS } from '@rovercast/contracts';
import { RobotMqttStrategy, type RobotMessage } from '@rovercast/mqtt';
import { Registry } from 'prom-client';
import { ConfigurationService } from '../configuration/configuration.service';
import { ConfigurationStore } from '../configuration/configuration.store';
import { ErrandsService } from '../orders/errands.service';
import { OrdersController } from '../orders/orders.controller';
import { Boot } from '../presence/boot';
import { PresenceService } from '../presence/presence.service';
import { RobotPublisher } from '../presence/robot.publisher';
import { ProbeService } from '../probe/probe.service';
import { DeviceSettings } from '../settings/device.settings';
import { SnapshotService } from '../snapshot/snapshot.service';
import { AgentMetrics } from '../stream/agent.metrics';
import { StreamController } from '../stream/stream.controller';
import { StreamService } from '../stream/stream.service';
import { TelemetryService } from '../telemetry/telemetry.service';
import { PretendEncoders } from './pretend.encoders';

interface FleetRobotOptions {
  robotId: string;
  url: string;
  version: 4 | 5;
  /** Share of orders, wishes and answers that vanish, 0 to 1. */
  loss: number;
}

const silent = { log: () => {}, warn: () => {} };

/** One robot with the agent's own parts, put together without Nest, around a pretend encoder. */
export class FleetRobot {
  readonly encoders = new PretendEncoders();
  readonly streams: StreamService;
  private readonly boot = new Boot();
  private readonly strategy: RobotMqttStrategy;
  private readonly telemetry: TelemetryService;
  private readonly presence: PresenceService;

  constructor(private readonly options: FleetRobotOptions) {
    const settings = Object.assign(new DeviceSettings(), { robotId: options.robotId, cameras: 'main=test' });
    this.strategy = this.connection();
    const configuration = new ConfigurationService(
      new ConfigurationStore('/nonexistent/fleet', options.robotId),
    );
    const publisher = new RobotPublisher(settings, this.strategy, this.boot);
    const metrics = new AgentMetrics(new Registry());
    this.streams = new StreamService(settings, this.encoders, publisher, metrics, configuration);
    this.presence = new PresenceService(publisher, this.streams, this.encoders, configuration);
    this.telemetry = new TelemetryService(configuration, this.streams, publisher, this.boot);
    const snapshots = new SnapshotService(this.streams, this.encoders, publisher);
    const probes = new ProbeService(this.streams, this.encoders, publisher);
    const errands = new ErrandsService(snapshots, probes, configuration, this.streams);
    const orders = new OrdersController(this.streams, this.presence, errands, metrics);
    this.listen(orders, new StreamController(this.streams, this.presence));
  }

  /** Connects, now and for ever again. */
  async start(): Promise<void> {
    await this.strategy.listen(() => {});
    this.telemetry.onApplicationBootstrap();
  }

  /** One telemetry event, now. */
  tell(): Promise<void> {
    return this.telemetry.tell();
  }

  async close(): Promise<void> {
    this.telemetry.onApplicationShutdown();
    await this.streams.onModuleDestroy();
    await this.presence.beforeApplicationShutdown();
    await this.strategy.close();
  }

  private connection(): RobotMqttStrategy {
    const { robotId, url, version } = this.options;
    const replies = new RegExp(`^rc/v1/gw/[\\w-]+/reply/${robotId}$`);
    return new RobotMqttStrategy({
      ...{ url, version, clientId: robotId, username: robotId, variables: { robotId } },
      ...{ bootId: this.boot.bootId, logger: silent, allowReplyTo: (to) => replies.test(to) },
      keepaliveSeconds: 60,
      birth: async () => {
        this.boot.connected += 1;
        await this.presence.announce();
      },
      will: () => {
        this.boot.nextConnection();
        const payload = JSON.stringify(this.boot.presence({ online: false }));
        return { topic: topic('presence', { robotId }), payload, retain: true };
      },
    });
  }

  private listen(orders: OrdersController, streams: StreamController): void {
    const lost = (): boolean => Math.random() < this.options.loss;
    this.strategy.addHandler(TOPICS.cmd.pattern, async (message: RobotMessage) => {
      if (lost()) return undefined;
      const reply = await orders.order(message);
      return lost() ? undefined : reply;
    });
    const desired = (message: RobotMessage): Promise<void> => {
      if (!lost()) streams.desired(message);
      return Promise.resolve();
    };
    this.strategy.addHandler(TOPICS.desired.pattern, desired, true);
    this.strategy.addHandler(TOPICS.presence.pattern, (message: RobotMessage) => streams.heal(message), true);
  }
}
