import {
  ACK_TIMEOUT_MS,
  DomainError,
  parseMessage,
  parseTopic,
  RobotReply,
  topic as topicFor,
} from '@rovercast/contracts';
import { Logger } from '@nestjs/common';
import type { IClientPublishOptions, MqttClient } from 'mqtt';
import { brokerUnreachable, FIRST_FAILURE_REASON, NO_MATCHING_SUBSCRIBERS, Outbox } from './outbox';
import { refused } from './publish';
import { SparseWarnings } from './sparse-warnings';

interface RequesterOptions {
  client: MqttClient;
  /** Name of this gateway process in the reply topic; no two may share it. */
  replica: string;
  version: 4 | 5;
  /** Orders that may wait for their answers at once. */
  maxInFlight?: number;
}

interface Order {
  to: string;
  replyTo: string;
  requestId: string;
  text: string;
}

interface Pending {
  order: Order;
  answer: Promise<RobotReply>;
  resolve: (reply: RobotReply) => void;
  reject: (error: unknown) => void;
}

const offline = (): DomainError =>
  new DomainError('ROBOT_OFFLINE', 'the robot is offline', {
    details: { cause: 'no_subscriber' },
    retryAfterSeconds: 5,
  });

const timedOut = (timeoutMs: number): DomainError =>
  new DomainError('ROBOT_TIMEOUT', `the robot did not answer within ${timeoutMs} ms`);

/**
 * Orders to robots, and their answers. Answers come to a topic of this process alone, subscribed once per connection, and are
 * matched by request id and by the robot that the *topic* names. Nothing is queued: what cannot go out now fails now, and what
 * is on its way when the connection closes is dropped.
 */
export class OrderRequester {
  private readonly pending = new Map<string, Pending>();
  private readonly outbox: Outbox;
  private readonly warnings = new SparseWarnings((line) => new Logger(OrderRequester.name).warn(line));
  private subscribed: Promise<void> | undefined;

  constructor(private readonly options: RequesterOptions) {
    this.outbox = Outbox.of(options.client);
    options.client.on('connect', this.subscribe);
    options.client.on('message', this.handleReply);
    options.client.on('close', this.disconnected);
    if (options.client.connected) this.subscribe();
  }

  /** Orders that wait for an answer. */
  get inFlight(): number {
    return this.pending.size;
  }

  /**
   * Sends an order and resolves with the robot's own word, `rejected` included. The same order asked twice while it waits is
   * sent once.
   * @throws DomainError BROKER_UNREACHABLE at once without a connection, or on its loss; ROBOT_OFFLINE when the broker knows
   *   no such subscriber (MQTT 5); ROBOT_TIMEOUT after `timeoutMs`, which says nothing about what the robot did;
   *   TOO_MANY_REQUESTS over `maxInFlight`; CONFLICT when the request id waits with another order
   */
  async order(
    robotId: string,
    name: string,
    body: object & { requestId: string },
    { timeoutMs = ACK_TIMEOUT_MS }: { timeoutMs?: number } = {},
  ): Promise<RobotReply> {
    const order = this.orderFor(robotId, name, body);
    const key = `${robotId}/${body.requestId}`;
    const same = this.pending.get(key);
    if (same) return this.joined(same, order);
    this.checkCapacity();
    const pending = this.open(key, order);
    const timer = setTimeout(() => pending.reject(timedOut(timeoutMs)), timeoutMs);
    void this.transmit(pending, timeoutMs);
    try {
      return await pending.answer;
    } finally {
      clearTimeout(timer);
      this.pending.delete(key);
    }
  }

  /** Takes a message off the wire; whatever it is, it never throws. */
  handleReply = (topic: string, payload: Buffer): void => {
    const address = parseTopic(topic);
    if (address?.topic !== 'reply' || address.replica !== this.options.replica) return;
    let reply: RobotReply;
    try {
      reply = parseMessage(RobotReply, payload);
    } catch (error) {
      this.warnings.warn('unreadable reply', { robot: address.robotId, reason: (error as Error).message });
      return;
    }
    this.pending.get(`${address.robotId}/${reply.requestId}`)?.resolve(reply);
  };

  /** Rejects what waits and lets go of the client, which stays connected. */
  close(): void {
    const { client } = this.options;
    client.off('connect', this.subscribe);
    client.off('message', this.handleReply);
    client.off('close', this.disconnected);
    this.disconnected();
  }

  private orderFor(robotId: string, name: string, body: object & { requestId: string }): Order {
    const replyTo = topicFor('reply', { replica: this.options.replica, robotId });
    return {
      to: topicFor('cmd', { robotId, name }),
      replyTo,
      requestId: body.requestId,
      text: JSON.stringify({ ...body, replyTo }),
    };
  }

  private joined(waiting: Pending, order: Order): Promise<RobotReply> {
    if (waiting.order.to === order.to && waiting.order.text === order.text) return waiting.answer;
    throw new DomainError('CONFLICT', 'the request id is in use by another order');
  }

  private checkCapacity(): void {
    if (!this.outbox.open || !this.subscribed) throw brokerUnreachable();
    if (this.pending.size < (this.options.maxInFlight ?? 2_000)) return;
    throw new DomainError('TOO_MANY_REQUESTS', 'too many orders wait for their robots', {
      retryAfterSeconds: 1,
    });
  }

  private open(key: string, order: Order): Pending {
    const pending = { order } as Pending;
    pending.answer = new Promise((resolve, reject) => Object.assign(pending, { resolve, reject }));
    this.pending.set(key, pending);
    return pending;
  }

  private async transmit({ order, answer, reject }: Pending, timeoutMs: number): Promise<void> {
    try {
      await this.subscribed;
      const sending = this.outbox.send(order.to, Buffer.from(order.text), {
        properties: this.properties(order, timeoutMs),
      });
      answer.catch(() => sending.withdraw());
      const reasonCode = await sending.acknowledged;
      if (reasonCode === NO_MATCHING_SUBSCRIBERS) reject(offline());
      if (reasonCode >= FIRST_FAILURE_REASON) reject(refused(order.to, reasonCode));
    } catch (error) {
      reject(error);
    }
  }

  private properties(order: Order, timeoutMs: number): IClientPublishOptions['properties'] {
    if (this.options.version === 4) return undefined;
    return {
      responseTopic: order.replyTo,
      correlationData: Buffer.from(order.requestId),
      messageExpiryInterval: Math.max(1, Math.ceil(timeoutMs / 1000)),
    };
  }

  private subscribe = (): void => {
    const filter = topicFor('reply', { replica: this.options.replica });
    this.subscribed = new Promise((resolve, reject) => {
      this.options.client.subscribe(filter, { qos: 1 }, (error) => {
        if (!error) return resolve();
        this.warnings.warn('no replies: the subscription failed', { filter, reason: error.message });
        reject(brokerUnreachable('the broker refuses the subscription to replies'));
      });
    });
    this.subscribed.catch(() => {});
  };

  private disconnected = (): void => {
    this.subscribed = undefined;
    for (const { reject } of this.pending.values())
      reject(brokerUnreachable('the connection to the broker was lost'));
  };
}
