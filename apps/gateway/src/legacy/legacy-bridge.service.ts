import { Injectable } from '@nestjs/common';
import { DomainError, LEGACY_TOPIC, streamPath } from '@rovercast/contracts';
import { Robots, type Robot } from '@rovercast/directory';
import { DataSource } from 'typeorm';
import { requireRight } from '../access';
import type { Caller } from '../session/caller';
import { LegacyRobots } from '../streams/legacy-robots';
import { StreamsService } from '../streams/streams.service';

/**
 * What the older bridge's calls do: where a robot is registered on its topic they start and stop its stream, so that it is seen,
 * counted and stopped when nobody watches; otherwise they say the bare word and know nothing.
 */
@Injectable()
export class LegacyBridgeService {
  constructor(
    private readonly database: DataSource,
    private readonly robots: Robots,
    private readonly streams: StreamsService,
    private readonly legacy: LegacyRobots,
  ) {}

  /**
   * @param caller who asks; undefined where the bridge is open
   * @throws DomainError FORBIDDEN, CONFLICT when the robot is disabled, BROKER_UNREACHABLE
   */
  async start(caller: Caller | undefined): Promise<void> {
    const robot = await this.robot(caller);
    if (!robot) return void (await this.legacy.say(LEGACY_TOPIC, 'start'));
    try {
      const { stream, fresh } = await this.streams.bridge(robot, caller);
      // Who asks again sees no picture: the word may have been lost.
      if (!fresh && stream.state !== 'live') await this.legacy.say(LEGACY_TOPIC, 'start');
    } catch (error) {
      // It was published, and nobody listened; the older bridge did not know either.
      if (!(error instanceof DomainError && error.code === 'ROBOT_OFFLINE')) throw error;
    }
  }

  /** @throws DomainError FORBIDDEN, BROKER_UNREACHABLE */
  async stop(caller: Caller | undefined): Promise<void> {
    const robot = await this.robot(caller);
    const closed = robot !== undefined && (await this.streams.unbridge(robot, caller));
    if (!closed) await this.legacy.say(LEGACY_TOPIC, 'stop');
  }

  /** The oldest robot of the topic. */
  private async robot(caller: Caller | undefined): Promise<Robot | undefined> {
    const rows = await this.database.query<{ id: string }[]>(
      `SELECT id FROM robots WHERE kind = 'legacy' AND legacy_topic = $1 ORDER BY created_at, id LIMIT 1`,
      [LEGACY_TOPIC],
    );
    const robot = rows.length === 0 ? undefined : await this.robots.find(rows[0].id);
    if (robot && caller) requireRight(caller, 'control', streamPath(robot.id, robot.cameras[0]), 'robot');
    return robot;
  }
}
