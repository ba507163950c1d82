import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { startBroker, type RunningBroker } from './broker';

const own = 'rc/v1/robots/r1';

const nextMessage = (client: MqttClient): Promise<[string, Buffer]> =>
  new Promise((resolve) => client.once('message', (topic, payload) => resolve([topic, payload])));

/** Keys of robots that the door of this file knows; `r9` comes and goes. */
const keys = new Map([['r1', 'key']]);

/** A door that knows one robot. */
function aDoor(asked: object[]): Server {
  return createServer((request, response) => {
    void json(request).then((body) => {
      asked.push({ ...(body as object), authorization: request.headers.authorization });
      const { username, password } = body as { username: string; password: string };
      const isKnown = keys.has(username) && keys.get(username) === password;
      const acl = [
        { permission: 'allow', action: 'publish', topic: `${own}/evt/+` },
        { permission: 'allow', action: 'publish', topic: `${own}/presence` },
        { permission: 'allow', action: 'subscribe', topic: `${own}/#` },
        { permission: 'deny', action: 'all', topic: '#' },
      ];
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify(isKnown ? { result: 'allow', is_superuser: false, acl } : { result: 'deny' }),
      );
    });
  });
}

describe('the embedded broker', () => {
  let broker: RunningBroker;
  let door: Server;
  const asked: object[] = [];
  const clients: MqttClient[] = [];

  const listen = (server: Server, port = 0): Promise<number> =>
    new Promise((resolve) =>
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );

  const connected = async (more: IClientOptions = {}): Promise<MqttClient> => {
    const client = await connectAsync(broker.url, {
      protocolVersion: 4,
      clientId: 'c1',
      username: 'r1',
      password: 'key',
      reconnectPeriod: 0,
      ...more,
    });
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    door = aDoor(asked);
    const authnUrl = `http://127.0.0.1:${await listen(door)}/mqtt/authn`;
    broker = await startBroker({
      host: '127.0.0.1',
      port: 0,
      authnUrl,
      hookSecret: 's3cret',
      doorWaitMs: 5_000,
      recheckMs: 100,
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true);
  });
  afterAll(async () => {
    await broker.close();
    door.closeAllConnections();
    await new Promise((resolve) => door.close(resolve));
  });

  it('asks the door in the form of EMQX, with its secret', async () => {
    await connected();
    expect(asked.at(-1)).toEqual({
      clientid: 'c1',
      username: 'r1',
      password: 'key',
      peerhost: '127.0.0.1',
      authorization: `Basic ${Buffer.from('broker:s3cret').toString('base64')}`,
    });
  });

  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown name', { username: 'r2' }],
    ['no login', { username: undefined, password: undefined }],
  ])('refuses %s', async (_, login) => {
    await expect(connected(login)).rejects.toMatchObject({ code: 4 });
  });

  it('carries what the list allows', async () => {
    const client = await connected();
    await client.subscribeAsync(`${own}/evt/+`, { qos: 1 });
    const arrived = nextMessage(client);
    await client.publishAsync(`${own}/evt/telemetry`, 'hello', { qos: 1 });
    const [topic, payload] = await arrived;
    expect([topic, payload.toString()]).toEqual([`${own}/evt/telemetry`, 'hello']);
  });

  it.each(['rc/v1/robots/r2/evt/+', 'rc/v1/robots/+/evt/+', '#', '$SYS/#', 'rc/v1/robots/r10/#'])(
    'lets nobody listen to %s who may not',
    async (filter) => {
      const client = await connected();
      await expect(client.subscribeAsync(filter)).rejects.toThrow();
    },
  );

  it.each(['rc/v1/robots/r2/evt/x', `${own}/cmd/stream`, '$SYS/x', 'robot/stream'])(
    'cuts a client that publishes to %s and may not',
    async (topic) => {
      const [listener, client] = [await connected({ clientId: 'c2' }), await connected()];
      let heard = 0;
      listener.on('message', () => (heard += 1));
      await listener.subscribeAsync(`${own}/#`);
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      client.publish(topic, 'x', { qos: 1 }, () => {});
      await closed;
      expect(heard).toBe(0);
    },
  );

  it('does not deliver a last will that its owner may not publish', async () => {
    const listener = await connected({ clientId: 'c2' });
    const seen: string[] = [];
    listener.on('message', (topic) => seen.push(topic));
    await listener.subscribeAsync(`${own}/#`);
    const lost = async (clientId: string, topic: string): Promise<void> => {
      const client = await connected({
        clientId,
        will: { topic, payload: Buffer.from('gone'), qos: 1, retain: false },
      });
      client.stream.destroy();
    };
    await lost('c3', `${own}/cmd/stream`);
    const arrived = nextMessage(listener);
    await lost('c4', `${own}/presence`);
    await arrived;
    expect(seen).toEqual([`${own}/presence`]);
  });

  describe('asks again about who is connected', () => {
    const gone = (client: MqttClient): Promise<void> =>
      new Promise((resolve) => client.once('close', () => resolve()));
    const questions = (username: string): number =>
      asked.filter((body) => (body as { username: string }).username === username).length;
    const askedAgain = async (username: string): Promise<void> => {
      const before = questions(username);
      while (questions(username) < before + 2) await new Promise((resolve) => setTimeout(resolve, 10));
    };

    it.each([
      ['disabled or deleted', () => keys.delete('r9')],
      ['given another key', () => keys.set('r9', 'new')],
    ])('and cuts who was %s, without its neighbours', async (_, change) => {
      keys.set('r9', 'key');
      const [stays, leaves] = [
        await connected({ clientId: 'c5' }),
        await connected({ clientId: 'c6', username: 'r9' }),
      ];
      await askedAgain('r9');
      expect(leaves.connected).toBe(true);
      const cut = gone(leaves);
      const changedAt = performance.now();
      change();
      await cut;
      expect(performance.now() - changedAt).toBeLessThan(1_500);
      await askedAgain('r1');
      expect(stays.connected).toBe(true);
      keys.delete('r9');
    });

    it('and lets the last will of who was cut tell that it is away', async () => {
      keys.set('r9', 'key');
      const listener = await connected({ clientId: 'c7' });
      await listener.subscribeAsync(`${own}/#`, { qos: 1 });
      const will = { topic: `${own}/presence`, payload: Buffer.from('gone'), qos: 1 as const, retain: false };
      await connected({ clientId: 'c8', username: 'r9', will });
      const arrived = nextMessage(listener);
      keys.delete('r9');
      expect((await arrived)[0]).toBe(`${own}/presence`);
    });

    it('and keeps everybody while the door is away', async () => {
      const client = await connected({ clientId: 'c9' });
      const { port } = door.address() as AddressInfo;
      door.closeAllConnections();
      await new Promise((resolve) => door.close(resolve));
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(client.connected).toBe(true);
      door = aDoor(asked);
      await listen(door, port);
      await askedAgain('r1');
      expect(client.connected).toBe(true);
    });

    it('and forgets who has left', async () => {
      const client = await connected({ clientId: 'c10' });
      await askedAgain('r1');
      await client.endAsync(true);
      await new Promise((resolve) => setTimeout(resolve, 250));
      const before = questions('r1');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(questions('r1')).toBe(before);
    });
  });

  it('waits for a door that is not up yet', async () => {
    const { port } = door.address() as AddressInfo;
    door.closeAllConnections();
    await new Promise((resolve) => door.close(resolve));
    const connecting = connected();
    door = aDoor(asked);
    await listen(door, port);
    expect((await connecting).connected).toBe(true);
  });
});
