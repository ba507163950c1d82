import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { TelemetryEvent } from '@rovercast/contracts';
import { ConfigurationService } from '../configuration/configuration.service';
import { Boot } from '../presence/boot';
import { RobotPublisher } from '../presence/robot.publisher';
import { StreamService } from '../stream/stream.service';
import { Machine } from './machine';

/** Tells how the robot is, again and again. Nothing is kept for later: an old reading helps nobody. */
@Injectable()
export class TelemetryService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly machine = new Machine();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly configuration: ConfigurationService,
    private readonly streams: StreamService,
    private readonly publisher: RobotPublisher,
    private readonly boot: Boot,
  ) {}

  onApplicationBootstrap(): void {
    this.configuration.onChange(() => this.again());
    this.again();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  /** Starts the pause anew, so that a changed period counts at once. */
  again(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.tell().then(() => this.again()), this.periodMs);
    this.timer.unref();
  }

  /** One reading, now. */
  async tell(): Promise<void> {
    const event: TelemetryEvent = {
      v: 1,
      at: Date.now(),
      bootId: this.boot.bootId,
      reconnects: Math.max(0, this.boot.connected - 1),
      ...this.machine.read(),
      cameras: this.streams.telemetry(),
    };
    await this.publisher.event('telemetry', event);
  }

  private get periodMs(): number {
    return this.configuration.telemetrySeconds * 1000;
  }
}
