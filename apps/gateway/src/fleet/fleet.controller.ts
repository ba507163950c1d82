import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  parseMessage,
  parseTopic,
  ReportedStream,
  RobotPresence,
  SyncRequest,
  topic,
} from '@rovercast/contracts';
import { Robots } from '@rovercast/directory';
import type { RobotMessage } from '@rovercast/mqtt';
import { StreamsService } from '../streams/streams.service';
import { PresenceRegistry } from './presence.registry';

/** What robots say on their own. */
@Controller()
export class FleetController {
  constructor(
    private readonly presence: PresenceRegistry,
    private readonly robots: Robots,
    private readonly streams: StreamsService,
  ) {}

  @EventPattern(topic('presence'), { shared: false })
  async presenceChanged(@Payload() data: object): Promise<void> {
    const message = data as RobotMessage;
    const robotId = robotOf(message);
    if (message.payload.length === 0) return this.presence.forget(robotId);
    const changed = this.presence.heard(robotId, parseMessage(RobotPresence, message.payload));
    if (changed) await this.robots.seen(robotId);
  }

  @EventPattern(topic('reported'))
  async reported(@Payload() data: object): Promise<void> {
    const message = data as RobotMessage;
    const { camera } = parseTopic(message.topic) as { camera: string };
    if (message.payload.length === 0) return;
    await this.streams.robotReported(robotOf(message), camera, parseMessage(ReportedStream, message.payload));
  }

  @EventPattern(topic('evt', { kind: 'sync-request' }))
  async syncRequested(@Payload() data: object): Promise<void> {
    const message = data as RobotMessage;
    await this.streams.sendAgain(robotOf(message), parseMessage(SyncRequest, message.payload).camera);
  }
}

/** The sender, from the topic: the broker let nobody else publish there. */
function robotOf(message: RobotMessage): string {
  return (parseTopic(message.topic) as { robotId: string }).robotId;
}
