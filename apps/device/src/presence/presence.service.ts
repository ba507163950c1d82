import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { parseMessage, RobotPresence } from '@rovercast/contracts';
import { EncoderService } from '../encoder/encoder.service';
import { StreamService } from '../stream/stream.service';
import { RobotPublisher } from './robot.publisher';

/** Version of the agent's own behaviour, told in `info`. */
const AGENT_VERSION = '0.1.0';
const GOODBYE_TIMEOUT_MS = 1_000;

/** That the robot is there: said on every connection, taken back on a clean exit, and said again when somebody denies it. */
@Injectable()
export class PresenceService implements BeforeApplicationShutdown {
  private leaving = false;

  constructor(
    private readonly publisher: RobotPublisher,
    private readonly streams: StreamService,
    private readonly encoders: EncoderService,
  ) {}

  /** The birth sequence: presence, what the robot is, what each camera does. */
  async announce(): Promise<void> {
    await Promise.all([
      this.publisher.presence({ online: true }),
      this.publisher.info({
        v: 1,
        agentVersion: AGENT_VERSION,
        encoders: this.encoders.backends,
        cameras: this.streams.cameras,
      }),
      this.streams.reportAll(),
    ]);
  }

  /** A late last will of an earlier connection would stay retained; whoever is online says so again. */
  async heal(payload: Buffer): Promise<void> {
    if (this.leaving || payload.length === 0) return;
    const word = parseMessage(RobotPresence, payload);
    if (!word.online) await this.publisher.presence({ online: true });
  }

  /** Before DISCONNECT, which cancels the last will. */
  async beforeApplicationShutdown(): Promise<void> {
    this.leaving = true;
    await this.publisher.presence({ online: false, clean: true }, GOODBYE_TIMEOUT_MS);
  }
}
