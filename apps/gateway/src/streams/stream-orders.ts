import { Injectable } from '@nestjs/common';
import { Tokens } from '@rovercast/access';
import {
  DESIRED_OFF_EXPIRY_SECONDS,
  streamPath,
  topic,
  type Ingest,
  type PublishProtocol,
  type RobotReply,
} from '@rovercast/contracts';
import { RobotLink } from '../fleet/robot-link';
import { GatewaySettings } from '../gateway.settings';
import { isLegacy, LegacyRobots } from './legacy-robots';
import { ingestUrl } from './stream-urls.rules';
import type { Wish } from './streams.repository';
import { wishDocument } from './wish.rules';

/** Life of the ticket with which a robot publishes: enough to start an encoder, useless soon after, in milliseconds. */
const PUBLISH_TICKET_TTL_MS = 120_000;

/** Tells robots what is wished of them, retained for those who are away and as an order for those who are there. */
@Injectable()
export class StreamOrders {
  constructor(
    private readonly link: RobotLink,
    private readonly tokens: Tokens,
    private readonly settings: GatewaySettings,
    private readonly legacy: LegacyRobots,
  ) {}

  get connected(): boolean {
    return this.link.connected;
  }

  /**
   * Tells the robot at once and waits for its word; the retained copy goes out beside it.
   * @throws DomainError BROKER_UNREACHABLE, ROBOT_OFFLINE, ROBOT_TIMEOUT
   */
  async tell(wish: Wish): Promise<RobotReply> {
    if (isLegacy(wish)) return this.legacy.tell(wish);
    const now = Date.now();
    const ingest = wish.state === 'on' ? this.ingest(wish, now) : undefined;
    const retained = this.keep(wish);
    retained.catch(() => undefined);
    const reply = await this.link.order(wish.robotId, 'stream', wishDocument(wish, { now, ingest }));
    await retained;
    return reply;
  }

  /** Puts the retained copy in its place, with a new lease; for agents only. @throws DomainError BROKER_UNREACHABLE */
  async keep(wish: Wish, { renew = false } = {}): Promise<void> {
    if (isLegacy(wish)) return;
    const document = wishDocument(wish, { now: Date.now(), renew });
    const expirySeconds = wish.state === 'off' ? DESIRED_OFF_EXPIRY_SECONDS : undefined;
    await this.link.publish(topic('desired', { robotId: wish.robotId, camera: wish.camera }), document, {
      expirySeconds,
    });
  }

  private ingest({ robotId, camera }: Wish, now: number): Ingest {
    const path = streamPath(robotId, camera);
    const base = this.settings.mediaIngestUrl ?? `rtsp://${this.settings.mediamtxPublicHost}:8554`;
    const scheme = new URL(base).protocol.replace(/s?:$/, '');
    const tokenExpiresAt = now + PUBLISH_TICKET_TTL_MS;
    return {
      url: ingestUrl(base, path),
      protocol: scheme as PublishProtocol,
      token: this.tokens.signTicket({ subject: robotId, action: 'publish', path, expiresAt: tokenExpiresAt }),
      tokenExpiresAt,
    };
  }
}
