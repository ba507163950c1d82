import { isId } from './names.rules';

/** QoS, retain flag and expiry of each kind of message (docs/topics.md is held to this table by a test). */
export interface TopicRule {
  /** `{robotId}`, `{camera}`, `{name}`, `{kind}` and `{replica}` stand for one level each. */
  pattern: string;
  from: 'gateway' | 'robot';
  qos: 0 | 1;
  retain: boolean;
  /** Seconds after which the broker drops it; null: never. */
  expirySeconds: number | null;
}

/** How long a robot streams without renewal, in milliseconds. */
export const LEASE_TTL_MS = 30_000;

/** How long the gateway waits for a robot's acknowledgement, in milliseconds; also the expiry of an order. */
export const ACK_TIMEOUT_MS = 5_000;

/** Every topic of Rovercast. */
export const TOPICS = {
  cmd: {
    pattern: 'rc/v1/robots/{robotId}/cmd/{name}',
    from: 'gateway',
    qos: 1,
    retain: false,
    expirySeconds: 5,
  },
  desired: {
    pattern: 'rc/v1/robots/{robotId}/desired/stream/{camera}',
    from: 'gateway',
    qos: 1,
    retain: true,
    expirySeconds: 30,
  },
  reported: {
    pattern: 'rc/v1/robots/{robotId}/reported/stream/{camera}',
    from: 'robot',
    qos: 1,
    retain: true,
    expirySeconds: null,
  },
  presence: {
    pattern: 'rc/v1/robots/{robotId}/presence',
    from: 'robot',
    qos: 1,
    retain: true,
    expirySeconds: null,
  },
  info: {
    pattern: 'rc/v1/robots/{robotId}/info',
    from: 'robot',
    qos: 1,
    retain: true,
    expirySeconds: null,
  },
  evt: {
    pattern: 'rc/v1/robots/{robotId}/evt/{kind}',
    from: 'robot',
    qos: 1,
    retain: false,
    expirySeconds: 60,
  },
  reply: {
    pattern: 'rc/v1/gw/{replica}/reply/{robotId}',
    from: 'robot',
    qos: 1,
    retain: false,
    expirySeconds: 10,
  },
} as const satisfies Record<string, TopicRule>;

/** The topic that robots of the older bridge subscribe to, with the bare payloads `start` and `stop`. */
export const LEGACY_TOPIC = 'robot/stream';

/** `off` wishes outlive `on` wishes, so that a robot that was away for a day still sees the newest word. */
export const DESIRED_OFF_EXPIRY_SECONDS = 86_400;

export type TopicName = keyof typeof TOPICS;
type Parts = Partial<Record<'robotId' | 'camera' | 'name' | 'kind' | 'replica', string>>;

/**
 * The concrete topic; a part left out becomes `+`, which makes a subscription.
 * @throws Error when a part could not be one topic level
 */
export function topic(name: TopicName, parts: Parts = {}): string {
  return TOPICS[name].pattern.replace(/\{(\w+)\}/g, (_, key: keyof Parts) => {
    const part = parts[key];
    if (part === undefined) return '+';
    if (!isId(part)) throw new Error(`${key} cannot be a topic level`);
    return part;
  });
}

/** Which message a topic carries and its parts, or undefined when it is none of ours. */
export function parseTopic(text: string): ({ topic: TopicName } & Parts) | undefined {
  const levels = text.split('/');
  for (const name of Object.keys(TOPICS) as TopicName[]) {
    const wanted = TOPICS[name].pattern.split('/');
    if (wanted.length !== levels.length) continue;
    const parts: Record<string, string> = {};
    const fits = wanted.every((level, index) => {
      const actual = levels[index];
      if (!level.startsWith('{')) return level === actual;
      parts[level.slice(1, -1)] = actual;
      return isId(actual);
    });
    if (fits) return { topic: name, ...parts };
  }
  return undefined;
}
