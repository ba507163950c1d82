import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { parseMessage, SnapshotEvent, topic } from '@rovercast/contracts';
import type { RobotMessage } from '@rovercast/mqtt';
import { senderOf } from '../fleet/sender';
import { SnapshotsService } from './snapshots.service';

/** What robots say about pictures. */
@Controller()
export class SnapshotEvents {
  constructor(private readonly snapshots: SnapshotsService) {}

  @EventPattern(topic('evt', { kind: 'snapshot' }))
  async snapshot(@Payload() data: object): Promise<void> {
    const message = data as RobotMessage;
    await this.snapshots.heard(senderOf(message), parseMessage(SnapshotEvent, message.payload));
  }
}
