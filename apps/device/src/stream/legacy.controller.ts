import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { DomainError } from '@rovercast/contracts';
import { DomainErrorFilter, type RobotMessage } from '@rovercast/mqtt';
import { StreamService } from './stream.service';

/** The older bridge's topic: the bare words `start` and `stop`, for a robot that both generations still talk to. */
@UseFilters(DomainErrorFilter)
@Controller()
export class LegacyController {
  constructor(private readonly streams: StreamService) {}

  @EventPattern('{legacyTopic}', { shared: false })
  bare(@Payload() { payload, retain }: RobotMessage): void {
    // A retained `start` would start the camera on every reconnect.
    if (retain) return;
    const word = payload.length <= 16 ? payload.toString('utf8').trim() : '';
    if (word !== 'start' && word !== 'stop') throw new DomainError('INVALID_INPUT', 'neither start nor stop');
    this.streams.bare(word);
  }
}
