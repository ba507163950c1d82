import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import {
  DomainError,
  parseMessage,
  parseTopic,
  PlainOrder,
  StreamWish,
  TOPICS,
  type RobotReply,
} from '@rovercast/contracts';
import { DomainErrorFilter, type RobotMessage } from '@rovercast/mqtt';
import { Boot } from '../presence/boot';
import { PresenceService } from '../presence/presence.service';
import { AgentMetrics } from './agent.metrics';
import { StreamService } from './stream.service';

type OrderHandler = (message: RobotMessage) => Promise<RobotReply> | RobotReply;

/** What the gateway asks of the robot. */
@UseFilters(DomainErrorFilter)
@Controller()
export class StreamController {
  private readonly orders: Record<string, OrderHandler | undefined> = {
    stream: (message) => this.stream(message),
    ping: ({ payload }) => this.ping(payload),
    sync: ({ payload }) => this.sync(payload),
  };

  constructor(
    private readonly streams: StreamService,
    private readonly presence: PresenceService,
    private readonly boot: Boot,
    private readonly metrics: AgentMetrics,
  ) {}

  /** One subscription for all orders: two that overlap would bring each order twice. */
  @MessagePattern(TOPICS.cmd.pattern)
  async order(@Payload() message: RobotMessage): Promise<RobotReply> {
    const name = parseTopic(message.topic)?.name ?? '';
    const handler = Object.hasOwn(this.orders, name) ? this.orders[name] : undefined;
    const label = handler ? name : 'unknown';
    try {
      if (!handler) throw new DomainError('INVALID_INPUT', 'the robot does not know this order');
      const reply = await handler(message);
      this.metrics.order(label, reply.code);
      return reply;
    } catch (error) {
      this.metrics.order(label, 'rejected');
      throw error;
    }
  }

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

  private stream(message: RobotMessage): RobotReply {
    const wish = parseMessage(StreamWish, message.payload);
    const answer = this.streams.wish(wish, {
      carrier: 'cmd',
      retained: message.retain,
      expirySeconds: message.expirySeconds,
    });
    if (!answer) throw new DomainError('INTERNAL', 'the order was not decided');
    return { ...answer, bootId: this.boot.bootId };
  }

  private ping(payload: Buffer): RobotReply {
    const { requestId } = parseMessage(PlainOrder, payload);
    return { requestId, code: 'accepted', bootId: this.boot.bootId };
  }

  private async sync(payload: Buffer): Promise<RobotReply> {
    const { requestId } = parseMessage(PlainOrder, payload);
    await this.presence.announce();
    return { requestId, code: 'accepted', bootId: this.boot.bootId };
  }
}
