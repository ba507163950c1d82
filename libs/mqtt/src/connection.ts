import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { Socket } from 'node:net';

/** A last will; a function is asked anew before every connection, so that each can carry its own number. */
export type Will = { topic: string; payload: string; retain: boolean };

/** Where and as whom to connect. */
export interface MqttConnection {
  /** `mqtt://host:1883` or `mqtts://host:8883`. */
  url: string;
  username?: string;
  password?: string;
  clientId: string;
  /** Protocol level: 5, or 4 (which is MQTT 3.1.1) for brokers that refuse 5. */
  version: 4 | 5;
  will?: Will | (() => Will);
  /** Bounds of the random pause before a new attempt, in milliseconds. */
  reconnectMs?: { min: number; max: number };
  keepaliveSeconds?: number;
  /** PEM texts; the system's roots and no client certificate by default. */
  tls?: { ca?: string; cert?: string; key?: string };
}

/** MQTT.js options, and what MQTT.js has no option for. */
export type MqttOptions = IClientOptions & {
  reconnectMs: { min: number; max: number };
  nextWill?: () => Will;
};

/** DISCONNECT: another connection took this client id (MQTT 5.0, 3.14.2.1). */
export const SESSION_TAKEN_OVER = 0x8e;
/** Two clients with one id throw each other out for ever; each waits so many times longer than usual after that. */
const TAKEN_OVER_PATIENCE = 3;

const CONNECT_TIMEOUT_MS = 10_000;
const WILL_DELAY_SECONDS = 5;
const ROBOT_RECEIVE_MAXIMUM = 16;
const MAXIMUM_PACKET_SIZE_BYTES = 65_536;

const willOptions = (will: Will, version: 4 | 5): IClientOptions['will'] => ({
  topic: will.topic,
  payload: Buffer.from(will.payload),
  qos: 1,
  retain: will.retain,
  ...(version === 5 && { properties: { willDelayInterval: WILL_DELAY_SECONDS } }),
});

/** Whole milliseconds between the bounds, both included. */
const between = ({ min, max }: { min: number; max: number }): number =>
  Math.max(1, Math.round(min + Math.random() * (max - min)));

function address(url: string): Pick<IClientOptions, 'protocol' | 'host' | 'port'> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'mqtt:' && protocol !== 'mqtts:')
    throw new Error('the broker URL is not mqtt:// or mqtts://');
  const secure = protocol === 'mqtts:';
  return {
    protocol: secure ? 'mqtts' : 'mqtt',
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port ? Number(port) : secure ? 8883 : 1883,
  };
}

/**
 * MQTT.js options as Rovercast uses them: no session and no queue survives a connection, a refused CONNACK is tried again,
 * pauses are random. With a will, the connection is a robot's: the broker waits 5 s before it speaks the will, and holds the
 * (empty) session as long, because a will goes out when the session ends (MQTT 5.0, 3.1.3.2.2).
 * @throws Error when the URL is none of MQTT
 */
export function mqttOptions(connection: MqttConnection): MqttOptions {
  const { version, will } = connection;
  const reconnectMs = connection.reconnectMs ?? { min: 1_000, max: 10_000 };
  const nextWill = typeof will === 'function' ? will : undefined;
  const firstWill = typeof will === 'function' ? will() : will;
  return {
    ...address(connection.url),
    ...connection.tls,
    clientId: connection.clientId,
    username: connection.username,
    password: connection.password,
    protocolVersion: version,
    clean: true,
    resubscribe: false,
    queueQoSZero: false,
    reconnectOnConnackError: true,
    keepalive: connection.keepaliveSeconds ?? 20,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: between(reconnectMs),
    reconnectMs,
    nextWill,
    ...(firstWill && { will: willOptions(firstWill, version) }),
    ...(version === 5 && {
      properties: {
        maximumPacketSize: MAXIMUM_PACKET_SIZE_BYTES,
        ...(firstWill && {
          sessionExpiryInterval: WILL_DELAY_SECONDS,
          receiveMaximum: ROBOT_RECEIVE_MAXIMUM,
        }),
      },
    }),
  };
}

/**
 * A client that connects now and for ever again. TCP_NODELAY is set on every connection: MQTT.js leaves Nagle's algorithm on,
 * which with delayed acknowledgements makes a QoS 1 round trip 88 ms instead of 0.3 ms.
 */
export function connectMqtt(options: MqttOptions): MqttClient {
  const client = connect(options);
  client.on('connect', () => (client.stream as Partial<Socket>).setNoDelay?.(true));
  client.on('disconnect', ({ reasonCode }) => {
    const { max } = options.reconnectMs;
    if (reasonCode === SESSION_TAKEN_OVER)
      client.options.reconnectPeriod = between({ min: max, max: TAKEN_OVER_PATIENCE * max });
  });
  client.on('reconnect', () => {
    client.options.reconnectPeriod = between(options.reconnectMs);
    if (!options.nextWill) return;
    client.options.will = willOptions(options.nextWill(), options.protocolVersion === 5 ? 5 : 4);
  });
  return client;
}
