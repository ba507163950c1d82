import { Logger, type LoggerService } from '@nestjs/common';
import { MqttContext, ServerMqtt, type MessageHandler } from '@nestjs/microservices';
import { DomainError, filterCovers, parseTopic, TOPICS, type RobotReply } from '@rovercast/contracts';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { isObservable, lastValueFrom } from 'rxjs';
import { connectMqtt, mqttOptions, SESSION_TAKEN_OVER, type MqttConnection } from './connection';
import { Outbox } from './outbox';
import { SparseWarnings } from './sparse-warnings';

interface StrategyOptions extends MqttConnection {
  /** What `{robotId}` and the like in patterns stand for; a placeholder without a value becomes `+`. */
  variables?: Record<string, string>;
  /**
   * Subscribe as `$share/<group>/…` (MQTT 5 only), so that one of several processes gets each message; a handler opts out with
   * `@EventPattern(pattern, { shared: false })`.
   */
  shareGroup?: string;
  /** Where replies may go; nowhere by default. */
  allowReplyTo?: (topic: string) => boolean;
  /** Runs on every connection, after the broker's word on the subscriptions. */
  birth?: (client: MqttClient) => Promise<void> | void;
  /** Named in the rejections that the strategy itself writes. */
  bootId?: string;
  logger?: Pick<LoggerService, 'log' | 'warn'>;
}

/**
 * What every handler gets: the bytes as they came and what the packet said about them. The MqttContext has the rest, but
 * Nest 12 types event handlers so that a second parameter must accept `unknown`.
 */
export interface RobotMessage {
  payload: Buffer;
  topic: string;
  /** Under MQTT 5 as published; under 3.1.1 true only for what the broker had kept from before the subscription. */
  retain: boolean;
  /** What the broker says is left of the message's life; absent under 3.1.1. */
  expirySeconds?: number;
}

interface Request {
  requestId?: string;
  replyTo?: string;
  correlationData?: Buffer;
}

/** So many losses within so long are no bad network. */
const RESTLESS_LOSSES = 3;
const RESTLESS_WINDOW_MS = 60_000;

/** Larger bodies are not searched for a return address. */
const MAX_ADDRESSED_BYTES = 65_536;

/**
 * Nest's MQTT server for Rovercast's topics. Differs from the stock one: patterns name variables, payloads reach handlers as
 * bytes (the stock deserializer takes any `data` or `pattern` key for its own envelope), subscriptions are QoS 1 and their
 * SUBACK is read, replies go to the response topic of the request, and neither garbage nor a missing broker stops the app.
 */
export class RobotMqttStrategy extends ServerMqtt {
  private readonly log: Pick<LoggerService, 'log' | 'warn'>;
  private readonly warnings: SparseWarnings;
  private lostAtMs: number[] = [];

  constructor(private readonly settings: StrategyOptions) {
    super({});
    this.log = settings.logger ?? new Logger(RobotMqttStrategy.name);
    this.warnings = new SparseWarnings((line) => {
      this.log.warn(line);
    });
  }

  /** Calls back at once: the app runs without a broker, and the connection is made as soon as there is one. */
  override listen(callback: (error?: unknown, ...rest: unknown[]) => unknown): Promise<void> {
    try {
      this.mqttClient = connectMqtt(mqttOptions(this.settings));
      this.start(callback);
    } catch (error) {
      callback(error);
    }
    return Promise.resolve();
  }

  override start(callback: (error?: unknown, ...rest: unknown[]) => unknown): void {
    const client = this.unwrap();
    this.registerConnectListener(client);
    this.registerReconnectListener(client);
    this.registerDisconnectListener(client);
    this.registerCloseListener(client);
    client.on('error', (error) =>
      this.warnings.warn('broker connection failed', { reason: error.message || String(error) }),
    );
    client.on('disconnect', ({ reasonCode }) => {
      if (reasonCode === SESSION_TAKEN_OVER) this.suspectTwin();
    });
    client.on('connect', () => client.stream.once('close', () => this.countLoss(client)));
    client.on('message', (topic, payload, packet) => void this.handleMessage(topic, payload, client, packet));
    client.on('connect', () => void this.greet(client));
    for (const { event, callback: listener } of this.pendingEventListeners)
      client.on(event as 'end', listener as () => void);
    this.pendingEventListeners = [];
    callback();
  }

  /** The one client, on which the app publishes too. @throws Error before `listen` */
  override unwrap<T = MqttClient>(): T {
    return super.unwrap<T>();
  }

  override registerReconnectListener(client: MqttClient): void {
    client.on('reconnect', () => this.warnings.warn('reconnecting to the broker'));
  }

  /** Sends DISCONNECT and resolves when the connection is gone, or is cut after 2 s. */
  // Nest awaits what close returns, though its type says void.
  // eslint-disable-next-line @typescript-eslint/no-misused-promises
  override async close(): Promise<void> {
    const client = this.mqttClient as MqttClient | undefined;
    if (!client || client.disconnected) return;
    const cut = setTimeout(() => client.stream.destroy(), 2_000);
    await client.endAsync(!client.connected).catch(() => {});
    clearTimeout(cut);
  }

  override addHandler(
    pattern: unknown,
    handler: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    super.addHandler(this.resolve(pattern), handler, isEventHandler, extras);
  }

  override getHandlerByPattern(topic: string): MessageHandler | null {
    const exact = this.messageHandlers.get(topic);
    if (exact) return exact;
    for (const [filter, handler] of this.messageHandlers) if (filterCovers(filter, topic)) return handler;
    return null;
  }

  /** One message off the wire. Never rejects. */
  override async handleMessage(
    topic: string,
    payload: Buffer,
    client: MqttClient,
    packet?: Partial<IPublishPacket>,
  ): Promise<void> {
    const handler = this.getHandlerByPattern(topic);
    if (!handler) return this.ignore(topic);
    const context = new MqttContext([topic, packet ?? {}]);
    try {
      if (handler.isEventHandler) await this.run(handler, payload, context);
      else await this.answer(handler, payload, context, client);
    } catch (error) {
      this.warnings.warn('message not handled', { topic, reason: reasonOf(error) });
    }
  }

  /** Not every broker says why it closes (Mosquitto 2.0.11 does not); a twin shows in how often it happens. */
  private countLoss(client: MqttClient): void {
    if (client.disconnecting) return;
    const now = performance.now();
    this.lostAtMs = [...this.lostAtMs.filter((atMs) => now - atMs < RESTLESS_WINDOW_MS), now];
    if (this.lostAtMs.length >= RESTLESS_LOSSES) this.suspectTwin();
  }

  private suspectTwin(): void {
    this.warnings.warn('the connection is lost again and again: is this client id in use twice?');
  }

  private async greet(client: MqttClient): Promise<void> {
    try {
      await this.subscribeAll(client);
      await this.settings.birth?.(client);
      this.log.log({ msg: 'connected to the broker', filters: this.messageHandlers.size });
    } catch (error) {
      if (client.connected)
        this.warnings.warn('connected to the broker, but deaf', { reason: reasonOf(error) });
    }
  }

  private async subscribeAll(client: MqttClient): Promise<void> {
    const filters = [...this.messageHandlers].map(([pattern, handler]) => this.shared(pattern, handler));
    if (filters.length === 0) return;
    const version5 = this.settings.version === 5;
    try {
      await client.subscribeAsync(filters, { qos: 1, ...(version5 && { rap: true }) });
    } catch (error) {
      if (!client.connected) throw error;
      this.warnings.warn('a subscription was refused', { filters, reason: reasonOf(error) });
    }
  }

  private shared(pattern: string, handler: MessageHandler): string {
    const { shareGroup, version } = this.settings;
    const optedOut = (handler.extras as { shared?: boolean } | undefined)?.shared === false;
    return shareGroup && version === 5 && !optedOut ? `$share/${shareGroup}/${pattern}` : pattern;
  }

  private resolve(pattern: unknown): string {
    return String(pattern).replace(/\{(\w+)\}/g, (_, name: string) => this.settings.variables?.[name] ?? '+');
  }

  /** An order's answer goes where the order says, if that is allowed; an order that says something else is not obeyed. */
  private async answer(
    handler: MessageHandler,
    payload: Buffer,
    context: MqttContext,
    client: MqttClient,
  ): Promise<void> {
    const request = readRequest(payload, context.getPacket() as IPublishPacket);
    if (request.replyTo !== undefined && !this.settings.allowReplyTo?.(request.replyTo)) {
      this.warnings.warn('order with a forbidden reply topic', { topic: context.getTopic() });
      return;
    }
    const reply = await this.run(handler, payload, context).catch((error: unknown) =>
      this.rejection(request, error),
    );
    if (request.replyTo && reply) this.reply(client, request, reply);
  }

  private async run(handler: MessageHandler, payload: Buffer, context: MqttContext): Promise<unknown> {
    const result: unknown = await handler(toMessage(payload, context), context);
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  private rejection({ requestId }: Request, error: unknown): RobotReply | undefined {
    this.warnings.warn('order rejected', { reason: reasonOf(error) });
    if (requestId === undefined) return undefined;
    const reason = error instanceof DomainError ? error.message : 'the robot could not do it';
    return { requestId, code: 'rejected', reason: reason.slice(0, 512), bootId: this.settings.bootId ?? '' };
  }

  private reply(client: MqttClient, request: Request, reply: unknown): void {
    const properties = {
      messageExpiryInterval: TOPICS.reply.expirySeconds,
      correlationData: request.correlationData,
    };
    try {
      Outbox.of(client)
        .send(
          request.replyTo!,
          Buffer.from(JSON.stringify(reply)),
          this.settings.version === 5 ? { properties } : {},
        )
        .acknowledged.catch(() => {});
    } catch (error) {
      this.warnings.warn('reply not sent', { reason: reasonOf(error) });
    }
  }

  private ignore(topic: string): void {
    // Replies belong to the OrderRequester, which listens on the same client.
    if (parseTopic(topic)?.topic !== 'reply')
      this.warnings.warn('message on a topic without a handler', { topic });
  }
}

function toMessage(payload: Buffer, context: MqttContext): RobotMessage {
  const { retain, properties } = context.getPacket() as Partial<IPublishPacket>;
  return {
    payload,
    topic: context.getTopic(),
    retain: retain ?? false,
    expirySeconds: properties?.messageExpiryInterval,
  };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Who asks and where the answer goes: MQTT 5 properties first, the body for robots and brokers that know only 3.1.1. */
function readRequest(payload: Buffer, packet: Partial<IPublishPacket>): Request {
  const { responseTopic, correlationData } = packet.properties ?? {};
  const body = readBody(payload);
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const requestId = text(body.requestId) ?? correlationData?.toString('utf8');
  return {
    replyTo: responseTopic ?? text(body.replyTo),
    requestId: requestId === undefined || requestId.length > 64 ? undefined : requestId,
    correlationData,
  };
}

function readBody(payload: Buffer): Record<string, unknown> {
  if (payload.length > MAX_ADDRESSED_BYTES) return {};
  try {
    const body: unknown = JSON.parse(payload.toString('utf8'));
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
