import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { DomainError, streamPath, type RobotReply } from '@rovercast/contracts';
import { RobotLink } from '../fleet/robot-link';
import { DeadMan } from './dead-man';
import { MonitorClient } from './monitor.client';
import { StreamsRepository, type Wish } from './streams.repository';

/** When a robot that still streams is told to stop once more, in milliseconds. */
const REPEAT_STOP_AFTER_MS = 5_000;

/** A wish of a robot of kind legacy. */
export type LegacyWish = Wish & { legacyTopic: string };

export const isLegacy = (wish: Wish): wish is LegacyWish => wish.legacyTopic !== null;

/**
 * Robots that know bare `start` and `stop` and never answer. Each word goes out once, at QoS 1, not retained; `stop` once more
 * when the path is still there after five seconds. What became of it, only the media server knows.
 */
@Injectable()
export class LegacyRobots implements OnApplicationShutdown {
  private readonly log = new Logger(LegacyRobots.name);
  private readonly repeats = new Set<NodeJS.Timeout>();

  constructor(
    private readonly link: RobotLink,
    private readonly deadMan: DeadMan,
    private readonly streams: StreamsRepository,
    private readonly monitor: MonitorClient,
  ) {}

  onApplicationShutdown(): void {
    for (const timer of this.repeats) clearTimeout(timer);
  }

  /** @throws DomainError BROKER_UNREACHABLE, ROBOT_OFFLINE when the broker says that nobody listens (MQTT 5) */
  async tell(wish: LegacyWish): Promise<RobotReply> {
    const { legacyTopic: topic, robotId, state, version, requestId } = wish;
    if (state === 'on') {
      const { noSubscriber } = await this.say(topic, 'start');
      if (noSubscriber) throw offline(robotId);
      this.deadMan.hold({ robotId, topic });
    } else {
      await this.say(topic, 'stop');
      this.deadMan.release(robotId);
      this.repeatLater(wish);
    }
    return { requestId, version, code: 'accepted', bootId: 'legacy' };
  }

  /** Bare `start` or `stop`. @throws DomainError BROKER_UNREACHABLE */
  say(topic: string, word: 'start' | 'stop'): Promise<{ noSubscriber: boolean }> {
    return this.link.publish(topic, word);
  }

  /** Takes the watch over robots that stream, when their gateway is gone. */
  adopt(wishes: Wish[]): void {
    const streaming = wishes.filter(isLegacy);
    this.deadMan.adopt(streaming.map(({ robotId, legacyTopic }) => ({ robotId, topic: legacyTopic })));
  }

  private repeatLater(wish: LegacyWish): void {
    const timer = setTimeout(() => {
      this.repeats.delete(timer);
      void this.repeat(wish).catch((error: Error) =>
        this.log.warn({ msg: 'stop not repeated', robotId: wish.robotId, error: error.message }),
      );
    }, REPEAT_STOP_AFTER_MS);
    this.repeats.add(timer);
  }

  private async repeat({ robotId, camera, version, legacyTopic }: LegacyWish): Promise<void> {
    const newest = await this.streams.wish(robotId, camera);
    if (newest?.version !== version) return;
    const paths = await this.monitor.viewersByPath();
    if (!paths?.has(streamPath(robotId, camera))) return;
    this.log.warn({ msg: 'legacy robot streams on; told to stop once more', robotId, camera });
    await this.say(legacyTopic, 'stop');
  }
}

const offline = (robotId: string): DomainError =>
  new DomainError('ROBOT_OFFLINE', `robot ${robotId} is offline`, {
    details: { cause: 'no_subscriber' },
    retryAfterSeconds: 5,
  });
