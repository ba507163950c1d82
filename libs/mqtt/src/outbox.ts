import { DomainError } from '@rovercast/contracts';
import type { IClientPublishOptions, MqttClient } from 'mqtt';

/** A QoS 1 message on its way to the broker. */
export interface Sending {
  /**
   * The PUBACK's reason code; 0 under MQTT 3.1.1.
   * Rejects with DomainError BROKER_UNREACHABLE when the connection closes first.
   */
  acknowledged: Promise<number>;
  /** Forgets the message, so that it is neither waited for nor sent again. */
  withdraw(): void;
}

interface Entry {
  settle(reasonCode: number): void;
  fail(error: DomainError): void;
}

export const brokerUnreachable = (message = 'the broker cannot be reached right now'): DomainError =>
  new DomainError('BROKER_UNREACHABLE', message, { retryAfterSeconds: 2 });

/** PUBACK: the broker has the message, and nobody subscribes to it (MQTT 5.0, 3.4.2.1). */
export const NO_MATCHING_SUBSCRIBERS = 16;

/** PUBACK reason codes from here on are refusals. */
export const FIRST_FAILURE_REASON = 128;

/**
 * What one client has in flight at QoS 1. MQTT.js would keep such messages through a disconnection and send them later as if
 * they were new; here they are dropped with the connection. No more are in flight than the broker said it takes at once
 * (Receive Maximum), the rest wait in order.
 */
export class Outbox {
  private static readonly byClient = new WeakMap<MqttClient, Outbox>();

  /** The one outbox of a client. */
  static of(client: MqttClient): Outbox {
    const existing = Outbox.byClient.get(client);
    if (existing) return existing;
    const outbox = new Outbox(client);
    Outbox.byClient.set(client, outbox);
    return outbox;
  }

  private readonly inFlight = new Map<number, Entry>();
  private readonly waiting = new Map<Entry, () => void>();

  private constructor(private readonly client: MqttClient) {
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') this.take(packet.messageId)?.settle(packet.reasonCode ?? 0);
    });
    client.on('close', () => this.dropAll());
  }

  /** Whether a message would go out now. */
  get open(): boolean {
    return this.client.connected && !this.client.disconnecting;
  }

  /** @throws DomainError BROKER_UNREACHABLE at once when there is no connection; nothing is kept for later */
  send(topic: string, payload: Buffer, options: Omit<IClientPublishOptions, 'qos'>): Sending {
    if (!this.open) throw brokerUnreachable();
    let messageId: number | undefined;
    let entry!: Entry;
    const acknowledged = new Promise<number>((resolve, reject) => {
      entry = { settle: resolve, fail: reject };
    });
    const transmit = (): void => {
      // The callback's error is always one that `take` and `dropAll` have already told.
      this.client.publish(topic, payload, { ...options, qos: 1 }, () => {});
      messageId = this.client.getLastMessageId();
      this.inFlight.set(messageId, entry);
    };
    if (this.inFlight.size < this.capacity) transmit();
    else this.waiting.set(entry, transmit);
    return {
      acknowledged,
      withdraw: () => {
        if (messageId === undefined) this.waiting.delete(entry);
        else if (this.inFlight.get(messageId) === entry) this.remove(messageId);
      },
    };
  }

  private get capacity(): number {
    return this.client.serverProperties?.receiveMaximum ?? 65_535;
  }

  private remove(messageId: number): void {
    this.take(messageId);
    this.client.removeOutgoingMessage(messageId);
  }

  private take(messageId: number | undefined): Entry | undefined {
    if (messageId === undefined) return undefined;
    const entry = this.inFlight.get(messageId);
    this.inFlight.delete(messageId);
    this.sendWaiting();
    return entry;
  }

  private sendWaiting(): void {
    for (const [entry, transmit] of this.waiting) {
      if (!this.open || this.inFlight.size >= this.capacity) return;
      this.waiting.delete(entry);
      transmit();
    }
  }

  private dropAll(): void {
    const dropped = [...this.inFlight];
    const unsent = [...this.waiting.keys()];
    this.inFlight.clear();
    this.waiting.clear();
    for (const [messageId, entry] of dropped) {
      this.client.removeOutgoingMessage(messageId);
      entry.fail(brokerUnreachable('the connection to the broker was lost'));
    }
    for (const entry of unsent) entry.fail(brokerUnreachable('the connection to the broker was lost'));
  }
}
