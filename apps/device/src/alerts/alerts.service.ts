import { Injectable } from '@nestjs/common';
import type { AlertEvent } from '@rovercast/contracts';
import { randomUUID } from 'node:crypto';
import { RobotPublisher } from '../presence/robot.publisher';
import { StreamService } from '../stream/stream.service';
import { fresh, secondsLeft, withAlert, type WaitingAlert } from './alert-queue.rules';

/** What the robot saw or heard: told as `evt/alert` at once, or when the broker is back within a minute. */
@Injectable()
export class AlertsService {
  private queue: WaitingAlert[] = [];
  private flushing = false;

  constructor(
    private readonly publisher: RobotPublisher,
    private readonly streams: StreamService,
  ) {}

  /** Alerts that wait for a connection. */
  get waiting(): number {
    return this.queue.length;
  }

  /** @throws DomainError INVALID_INPUT when the robot has no such camera */
  raise({
    kind,
    confidence,
    camera,
  }: Pick<AlertEvent, 'kind' | 'confidence'> & { camera?: string }): AlertEvent {
    const seenBy = camera === undefined ? this.streams.cameras[0] : this.streams.cameraOf(camera).name;
    const alert: AlertEvent = {
      v: 1,
      alertId: randomUUID(),
      kind,
      confidence,
      camera: seenBy,
      at: Date.now(),
    };
    this.queue = withAlert(this.queue, { alert, raisedAtMs: performance.now() });
    void this.flush();
    return alert;
  }

  /** Tells what waits, oldest first; what cannot be told stays. */
  async flush(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    try {
      for (let next = this.oldest(); next; next = this.oldest()) {
        const told = await this.publisher.event('alert', next.alert, secondsLeft(next, performance.now()));
        if (!told) return;
        this.queue = this.queue.filter((waiting) => waiting !== next);
      }
    } finally {
      this.flushing = false;
    }
  }

  private oldest(): WaitingAlert | undefined {
    this.queue = fresh(this.queue, performance.now());
    return this.queue[0];
  }
}
