import { mayUseTopic, type TopicRight } from '@rovercast/contracts';
import { Aedes, type AuthenticateError, type AuthErrorCode, type Client } from 'aedes';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface BrokerOptions {
  host: string;
  port: number;
  /** Asked once per connection, in the form of EMQX 5.8's HTTP authentication. */
  authnUrl: string;
  hookSecret: string;
  /** How long a connection waits for a door that is not up yet, in milliseconds. */
  doorWaitMs?: number;
  log?: (line: string) => void;
}

export interface RunningBroker {
  url: string;
  close(): Promise<void>;
}

/** What the door said about one connection. */
type Verdict =
  { allow: true; rights: TopicRight[] | 'all' } | { allow: false; reason: 'refused' | 'no answer' };

interface DoorAnswer {
  result?: string;
  is_superuser?: boolean;
  acl?: { permission?: string; action?: string; topic?: string }[];
}

/** CONNACK codes of MQTT 3.1.1, 3.2.2.3. */
const SERVER_UNAVAILABLE = 3;
const BAD_USERNAME_OR_PASSWORD = 4;
const ASK_TIMEOUT_MS = 5_000;
const RETRY_MS = 100;

function toRights(acl: DoorAnswer['acl'] = []): TopicRight[] {
  return acl
    .filter((rule) => rule.permission === 'allow' && typeof rule.topic === 'string')
    .flatMap(({ action, topic }) =>
      (['publish', 'subscribe'] as const)
        .filter((each) => action === each || action === 'all')
        .map((each) => ({ action: each, filter: topic as string })),
    );
}

/** One question to the door; undefined when it is not up yet. */
async function askOnce(options: BrokerOptions, body: Record<string, string>): Promise<Verdict | undefined> {
  const authorization = `Basic ${Buffer.from(`broker:${options.hookSecret}`).toString('base64')}`;
  const response = await fetch(options.authnUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
  }).catch(() => undefined);
  if (!response || response.status >= 500) return undefined;
  if (response.status === 400) return { allow: false, reason: 'refused' }; // no user name that could be ours
  if (response.status !== 200) return { allow: false, reason: 'no answer' };
  const answer = (await response.json().catch(() => ({}))) as DoorAnswer;
  if (answer.result !== 'allow') return { allow: false, reason: 'refused' };
  return { allow: true, rights: answer.is_superuser === true ? 'all' : toRights(answer.acl) };
}

async function askDoor(options: BrokerOptions, body: Record<string, string>): Promise<Verdict> {
  const end = Date.now() + (options.doorWaitMs ?? 10_000);
  for (;;) {
    const verdict = await askOnce(options, body);
    if (verdict) return verdict;
    if (Date.now() >= end) return { allow: false, reason: 'no answer' };
    await delay(RETRY_MS);
  }
}

function refusal(reason: 'refused' | 'no answer'): AuthenticateError {
  const returnCode: AuthErrorCode = reason === 'refused' ? BAD_USERNAME_OR_PASSWORD : SERVER_UNAVAILABLE;
  return Object.assign(new Error(reason), { returnCode });
}

/**
 * An MQTT 3.1.1 broker in this process, for development: retained messages and sessions live in memory. Whoever connects is
 * let in by the door, and may use the topics that the door lists; everything else is denied.
 */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const rightsOf = new WeakMap<Client, TopicRight[] | 'all'>();
  const may = (client: Client | null, action: TopicRight['action'], topic: string): boolean => {
    const rights = client ? rightsOf.get(client) : undefined;
    return rights === 'all' || (rights !== undefined && mayUseTopic(rights, action, topic));
  };
  const note = (client: Client | null, what: string): void => options.log?.(`${client?.id ?? '-'} ${what}`);

  const aedes = await Aedes.createBroker({
    queueLimit: 200,
    authenticate: (client, username, password, done) => {
      const peerhost = (client.conn as Socket).remoteAddress ?? '';
      const body = {
        clientid: client.id,
        username: username ?? '',
        password: password?.toString() ?? '',
        peerhost,
      };
      void askDoor(options, body).then((verdict) => {
        if (!verdict.allow) {
          note(client, `warn: not let in (${verdict.reason})`);
          return done(refusal(verdict.reason), false);
        }
        rightsOf.set(client, verdict.rights);
        done(null, true);
      });
    },
    authorizePublish: (client, packet, done) => {
      if (may(client, 'publish', packet.topic)) return done(null);
      note(client, `warn: may not publish to ${packet.topic}`);
      done(new Error('not allowed'));
    },
    authorizeSubscribe: (client, subscription, done) => {
      if (may(client, 'subscribe', subscription.topic)) return done(null, subscription);
      note(client, `warn: may not subscribe to ${subscription.topic}`);
      done(null, null);
    },
  });
  aedes.on('clientReady', (client) => note(client, 'connected'));
  aedes.on('clientDisconnect', (client) => note(client, 'gone'));
  aedes.on('clientError', (client, error) => note(client, `error: ${error.message}`));
  aedes.on('connectionError', (client, error) => note(client, `error: ${error.message}`));

  // Nagle's algorithm against delayed acknowledgements costs 88 ms per QoS 1 round trip.
  const server = createServer({ noDelay: true }, (socket) => void aedes.handle(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port, host: options.host }, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://${options.host === '0.0.0.0' ? '127.0.0.1' : options.host}:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
}
