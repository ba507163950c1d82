import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { parseMessage, RobotPresence } from '@rovercast/contracts';
import { ConfigurationService } from '../configuration/configuration.service';
import { EncoderService } from '../encoder/encoder.service';
import { StreamService } from '../stream/stream.service';
import { RobotPublisher } from './robot.publisher';

/** Version of the agent's own behaviour, told in `info`. */
const AGENT_VERSION = '0.1.0';
const GOODBYE_TIMEOUT_MS = 1_000;

/** That the robot is there: said on every connection, taken back on a clean exit, and said again when somebody denies it. */
@Injectable()
export class PresenceService implements OnModuleInit, BeforeApplicationShutdown {
  private leaving = false;

  constructor(
    private readonly publisher: RobotPublisher,
    private readonly streams: StreamService,
    private readonly encoders: EncoderService,
    private readonly configuration: ConfigurationService,
  ) {}

  /** Which life of the agent this is. */
  get bootId(): string {
    return this.publisher.bootId;
  }

  onModuleInit(): void {
    this.configuration.onChange(() => void this.inform());
  }

  /** The birth sequence: presence, what the robot is, what each camera does. */
  async announce(): Promise<void> {
    await Promise.all([this.publisher.presence({ online: true }), this.inform(), this.streams.reportAll()]);
  }

  /** What the robot is; again after what it says has changed. */
  async inform(): Promise<void> {
    await this.publisher.info({
      v: 1,
      agentVersion: AGENT_VERSION,
      encoders: this.encoders.backends,
      videoEncoders: this.encoders.videoEncoders,
      cameras: this.streams.cameras,
      configRevision: this.configuration.revision,
    });
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
