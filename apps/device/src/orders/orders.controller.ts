import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
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
import { PresenceService } from '../presence/presence.service';
import { AgentMetrics } from '../stream/agent.metrics';
import { StreamService } from '../stream/stream.service';
import { ErrandsService, type Word } from './errands.service';

type OrderHandler = (message: RobotMessage) => Promise<Word> | Word;

/** What the gateway asks of the robot, and waits to hear about. */
@UseFilters(DomainErrorFilter)
@Controller()
export class OrdersController {
  private readonly orders: Record<string, OrderHandler | undefined> = {
    stream: (message) => this.stream(message),
    ping: ({ payload }) => this.ping(payload),
    sync: ({ payload }) => this.sync(payload),
    snapshot: ({ payload }) => this.errands.snapshot(payload),
    configure: ({ payload }) => this.errands.configure(payload),
    probe: ({ payload }) => this.errands.probe(payload),
  };

  constructor(
    private readonly streams: StreamService,
    private readonly presence: PresenceService,
    private readonly errands: ErrandsService,
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
      const word = await handler(message);
      this.metrics.order(label, word.code);
      return { ...word, bootId: this.presence.bootId };
    } catch (error) {
      this.metrics.order(label, 'rejected');
      throw error;
    }
  }

  private stream({ payload, retain, expirySeconds }: RobotMessage): Word {
    const wish = parseMessage(StreamWish, payload);
    const answer = this.streams.wish(wish, { carrier: 'cmd', retained: retain, expirySeconds });
    if (!answer) throw new DomainError('INTERNAL', 'the order was not decided');
    return answer;
  }

  private ping(payload: Buffer): Word {
    const { requestId } = parseMessage(PlainOrder, payload);
    return { requestId, code: 'accepted' };
  }

  private async sync(payload: Buffer): Promise<Word> {
    const { requestId } = parseMessage(PlainOrder, payload);
    await this.presence.announce();
    return { requestId, code: 'accepted' };
  }
}
