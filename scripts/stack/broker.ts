import { mayUseTopic, type TopicRight } from '@rovercast/contracts';
import { Aedes, type AuthenticateError, type AuthErrorCode, type Client } from 'aedes';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface BrokerOptions {
  host: string;
  port: number;
  /** Asked about each connection, and again while it lasts, in the form of EMQX 5.8's HTTP authentication. */
  authnUrl: string;
  hookSecret: string;
  /** How long a connection waits for a door that is not up yet, in milliseconds. */
  doorWaitMs?: number;
  /** How often the door is asked again about everybody who is connected, in milliseconds. */
  recheckMs?: number;
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
const RECHECK_MS = 5_000;
const RECHECKS_AT_ONCE = 8;

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

/** Who is connected, and with which login. */
interface Guest {
  client: Client;
  body: Record<string, string>;
}

/**
 * Asks the door again about everybody, a few at a time: who was disabled, deleted or given another key is cut within `recheckMs`
 * and a little, and changed rights hold as soon. A door that does not answer changes nothing.
 */
async function recheck(
  guests: ReadonlySet<Guest>,
  options: BrokerOptions,
  take: (guest: Guest, verdict: Verdict) => void,
): Promise<void> {
  const waiting = [...guests];
  const worker = async (): Promise<void> => {
    for (let guest = waiting.pop(); guest; guest = waiting.pop()) {
      const verdict = await askOnce(options, guest.body);
      if (verdict) take(guest, verdict);
    }
  };
  await Promise.all(Array.from({ length: RECHECKS_AT_ONCE }, worker));
}

function refusal(reason: 'refused' | 'no answer'): AuthenticateError {
  const returnCode: AuthErrorCode = reason === 'refused' ? BAD_USERNAME_OR_PASSWORD : SERVER_UNAVAILABLE;
  return Object.assign(new Error(reason), { returnCode });
}

/**
 * An MQTT 3.1.1 broker in this process, for development: retained messages and sessions live in memory. Whoever connects is
 * let in by the door, and may use the topics that the door lists; everything else is denied. The door is asked again every five
 * seconds, so that nobody stays who may not.
 */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const rightsOf = new WeakMap<Client, TopicRight[] | 'all'>();
  const guests = new Set<Guest>();
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
        const guest = { client, body };
        guests.add(guest);
        client.conn.once('close', () => guests.delete(guest));
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
  const take = ({ client }: Guest, verdict: Verdict): void => {
    if (verdict.allow) return void rightsOf.set(client, verdict.rights);
    if (verdict.reason !== 'refused') return;
    note(client, 'warn: may not stay (refused)');
    client.close(); // its last will goes out, so that it is seen to be away
  };
  let closing = false;
  let timer: NodeJS.Timeout | undefined;
  const armRecheck = (): void => {
    if (closing) return;
    timer = setTimeout(() => {
      void recheck(guests, options, take).finally(armRecheck);
    }, options.recheckMs ?? RECHECK_MS);
  };
  armRecheck();

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
      closing = true;
      clearTimeout(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
}
