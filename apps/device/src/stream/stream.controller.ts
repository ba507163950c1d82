import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { DomainError, parseMessage, parseTopic, StreamWish, TOPICS } from '@rovercast/contracts';
import { DomainErrorFilter, type RobotMessage } from '@rovercast/mqtt';
import { PresenceService } from '../presence/presence.service';
import { StreamService } from './stream.service';

/** What the broker keeps for the robot: wishes, and what is said of the robot itself. */
@UseFilters(DomainErrorFilter)
@Controller()
export class StreamController {
  constructor(
    private readonly streams: StreamService,
    private readonly presence: PresenceService,
  ) {}

  @EventPattern(TOPICS.desired.pattern)
  desired(@Payload() message: RobotMessage): void {
    if (message.payload.length === 0) return;
    const wish = parseMessage(StreamWish, message.payload);
    if (wish.camera !== parseTopic(message.topic)?.camera) {
      throw new DomainError('INVALID_INPUT', 'camera is not the one of the topic');
    }
    this.streams.wish(wish, {
      carrier: 'desired',
      retained: message.retain,
      expirySeconds: message.expirySeconds,
    });
  }

  @EventPattern(TOPICS.presence.pattern)
  heal(@Payload() { payload }: RobotMessage): Promise<void> {
    return this.presence.heal(payload);
  }
}
