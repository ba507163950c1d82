import { parseTopic, TOPICS } from '@rovercast/contracts';
import type { MqttClient } from 'mqtt';
import { brokerUnreachable, FIRST_FAILURE_REASON, NO_MATCHING_SUBSCRIBERS, Outbox } from './outbox';

interface PublishOptions {
  /** In place of the topic's own expiry; sent under MQTT 5 only. */
  expirySeconds?: number;
  /** How long to wait for the broker's word. */
  timeoutMs?: number;
}

/** How a topic that is not in the table (a legacy robot's) is treated: a retained `start` would fire on every reconnect. */
const FOREIGN = { retain: false, expirySeconds: 5 };

const toBytes = (body: object | string | null): Buffer =>
  Buffer.from(body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body));

/**
 * Publishes at QoS 1 with the retain flag and expiry of the TOPICS table, and resolves when the broker has it. An object goes
 * out as JSON, a string as its bare bytes, null as nothing (which clears a retained message). `noSubscriber` is true when an
 * MQTT 5 broker said that nobody listens; false says nothing.
 * @throws DomainError BROKER_UNREACHABLE without a connection (nothing is kept), on its loss, after `timeoutMs` (5 s) and when
 *   the broker refuses the message (`details.cause` is `refused`)
 */
export async function publish(
  client: MqttClient,
  topic: string,
  body: object | string | null,
  options: PublishOptions = {},
): Promise<{ noSubscriber: boolean }> {
  const known = parseTopic(topic);
  const rule = known ? TOPICS[known.topic] : FOREIGN;
  const expirySeconds = options.expirySeconds ?? rule.expirySeconds;
  const sending = Outbox.of(client).send(topic, toBytes(body), {
    retain: rule.retain,
    ...(isVersion5(client) &&
      expirySeconds !== null && { properties: { messageExpiryInterval: expirySeconds } }),
  });
  const reasonCode = await within(options.timeoutMs ?? 5_000, sending);
  if (reasonCode >= FIRST_FAILURE_REASON) throw refused(topic, reasonCode);
  return { noSubscriber: reasonCode === NO_MATCHING_SUBSCRIBERS };
}

/** Whether the client speaks MQTT 5, and may therefore send properties. */
export const isVersion5 = (client: MqttClient): boolean => client.options.protocolVersion === 5;

/** The broker took the packet and refused the message. */
export function refused(topic: string, reasonCode: number): Error {
  const error = brokerUnreachable(`the broker refused a message (reason ${reasonCode})`);
  Object.assign(error.details, { cause: 'refused', topic, reasonCode });
  return error;
}

async function within(
  timeoutMs: number,
  sending: { acknowledged: Promise<number>; withdraw(): void },
): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      sending.withdraw();
      reject(brokerUnreachable(`the broker did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([sending.acknowledged, late]);
  } finally {
    clearTimeout(timer);
  }
}
