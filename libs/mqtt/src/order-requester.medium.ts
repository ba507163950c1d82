import { Logger } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { randomUUID } from 'node:crypto';
import { connectMqtt, mqttOptions } from './connection';
import { OrderRequester } from './order-requester';
import { publish } from './publish';
import {
  aedesBroker,
  hasMosquitto,
  mosquittoBroker,
  until,
  type TestBroker,
} from '../../../test/support/brokers';

const brokers: [string, () => Promise<TestBroker>, (name: string) => boolean][] = [
  ['aedes, MQTT 3.1.1', aedesBroker, () => true],
  ['Mosquitto, MQTT 5', mosquittoBroker, hasMosquitto],
];

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: DomainError) => error.code,
  );

interface Seen {
  body: { requestId: string; replyTo: string };
  packet: IPublishPacket;
  raw: string;
}

const ping = () => ({ v: 1, requestId: randomUUID(), issuedAt: 1_700_000_000_000 });

describe.each(brokers)('OrderRequester on %s', (name, startBroker, isThere) => {
  if (!isThere(name)) {
    it.skip('skipped: there is no mosquitto on the PATH', () => {});
    return;
  }
  let broker: TestBroker;
  let client: MqttClient;
  let requester: OrderRequester;
  const clients: MqttClient[] = [];

  const aClient = async (clientId: string): Promise<MqttClient> => {
    const made = connectMqtt(
      mqttOptions({
        url: broker.url,
        clientId,
        version: broker.version,
        reconnectMs: { min: 20, max: 60 },
      }),
    );
    clients.push(made);
    await until(() => made.connected);
    return made;
  };

  /** A robot that answers every order, after `delayMs`. */
  const aRobot = async (
    robotId: string,
    answer: (body: Seen['body']) => object = (body) => ({
      requestId: body.requestId,
      code: 'accepted',
      bootId: robotId,
    }),
  ): Promise<{ client: MqttClient; orders: Seen[] }> => {
    const robot = await aClient(robotId);
    const orders: Seen[] = [];
    robot.on('connect', () => robot.subscribe(`rc/v1/robots/${robotId}/cmd/+`, { qos: 1 }));
    robot.on('message', (_topic, payload, packet) => {
      const body = JSON.parse(payload.toString()) as Seen['body'];
      orders.push({ body, packet, raw: payload.toString() });
      robot.publish(body.replyTo, JSON.stringify(answer(body)), { qos: 1 });
    });
    await robot.subscribeAsync(`rc/v1/robots/${robotId}/cmd/+`, { qos: 1 });
    return { client: robot, orders };
  };

  beforeAll(() => void Logger.overrideLogger(false));
  afterAll(() => void Logger.overrideLogger(['error', 'warn', 'log']));

  beforeEach(async () => {
    broker = await startBroker();
    client = await aClient('gateway');
    requester = new OrderRequester({ client, replica: 'gw1', version: broker.version });
  });

  afterEach(async () => {
    requester.close();
    await Promise.all(clients.splice(0).map((each) => each.endAsync(true).catch(() => {})));
    await broker.stop();
  });

  it.each([2, 4, 16, 64])('loses no reply with %i orders in flight on one robot', async (inFlight) => {
    await aRobot('r1');
    let answered = 0;
    const worker = async (): Promise<void> => {
      for (let count = 0; count < 40; count += 1) {
        const order = ping();
        const reply = await requester.order('r1', 'ping', order, { timeoutMs: 5_000 });
        if (reply.requestId === order.requestId) answered += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    expect(answered).toBe(inFlight * 40);
    expect(requester.inFlight).toBe(0);
  });

  it('keeps the answers of fifty robots apart, though all use the same request id', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `r${index}`);
    await Promise.all(ids.map((id) => aRobot(id)));
    const replies = await Promise.all(
      ids.flatMap((id) =>
        ['a', 'b', 'c'].map((requestId) =>
          requester
            .order(id, 'ping', { ...ping(), requestId }, { timeoutMs: 5_000 })
            .then((reply) => [id, reply.bootId]),
        ),
      ),
    );
    expect(replies).toHaveLength(150);
    for (const [asked, answeredBy] of replies) expect(answeredBy).toBe(asked);
  });

  it('takes the robot from the topic and not from the body', async () => {
    const liar = await aClient('liar');
    const waiting = codeOf(requester.order('r1', 'ping', { ...ping(), requestId: 'q' }, { timeoutMs: 300 }));
    await liar.publishAsync('rc/v1/gw/gw1/reply/r2', '{"requestId":"q","code":"accepted","bootId":"r1"}', {
      qos: 1,
    });
    expect(await waiting).not.toBe('resolved');
  });

  it('sends exactly these bytes', async () => {
    const { orders } = await aRobot('r1');
    await requester.order('r1', 'ping', { v: 1, requestId: 'q1', issuedAt: 5 } as never, {
      timeoutMs: 2_500,
    });
    expect(orders[0].raw).toBe('{"v":1,"requestId":"q1","issuedAt":5,"replyTo":"rc/v1/gw/gw1/reply/r1"}');
    expect(orders[0].packet).toMatchObject({ topic: 'rc/v1/robots/r1/cmd/ping', qos: 1, retain: false });
    if (broker.version === 5) {
      expect(orders[0].packet.properties).toMatchObject({
        responseTopic: 'rc/v1/gw/gw1/reply/r1',
        messageExpiryInterval: 3,
      });
      expect(String(orders[0].packet.properties?.correlationData)).toBe('q1');
    }
  });

  it('sends an order that is asked twice at once only once, and refuses another one of the same id', async () => {
    const { orders } = await aRobot('r1');
    const order = ping();
    const [one, two, other] = await Promise.all([
      requester.order('r1', 'ping', order),
      requester.order('r1', 'ping', order),
      codeOf(requester.order('r1', 'sync', order)),
    ]);
    expect(two).toEqual(one);
    expect(other).toBe('CONFLICT');
    expect(orders).toHaveLength(1);
  });

  it('survives garbage on its reply topic', async () => {
    const { client: robot } = await aRobot('r1');
    for (const junk of ['', '{', 'null', '[]', '{"requestId":5}', 'x'.repeat(65_536), '\0\xff']) {
      await robot.publishAsync('rc/v1/gw/gw1/reply/r1', junk, { qos: 1 });
    }
    expect((await requester.order('r1', 'ping', ping())).code).toBe('accepted');
  });

  it('says that nobody listens: at once under MQTT 5, by time-out under 3.1.1', async () => {
    const started = performance.now();
    const code = await codeOf(requester.order('nobody', 'ping', ping(), { timeoutMs: 700 }));
    expect(code).toBe(broker.version === 5 ? 'ROBOT_OFFLINE' : 'ROBOT_TIMEOUT');
    if (broker.version === 5) expect(performance.now() - started).toBeLessThan(600);
  });

  it('gives up on a deaf robot after the time-out and takes the next order', async () => {
    let deaf = true;
    const { orders } = await aRobot('r1', (body) => ({
      requestId: deaf ? 'another' : body.requestId,
      code: 'accepted',
      bootId: 'b',
    }));
    expect(await codeOf(requester.order('r1', 'ping', ping(), { timeoutMs: 150 }))).toBe('ROBOT_TIMEOUT');
    deaf = false;
    expect((await requester.order('r1', 'ping', ping())).code).toBe('accepted');
    expect(orders).toHaveLength(2);
  });

  it('refuses more than it may have in flight', async () => {
    await aClient('r1').then((robot) => robot.subscribeAsync('rc/v1/robots/r1/cmd/+'));
    requester.close();
    requester = new OrderRequester({ client, replica: 'gw1', version: broker.version, maxInFlight: 1 });
    const first = codeOf(requester.order('r1', 'ping', ping(), { timeoutMs: 200 }));
    expect(await codeOf(requester.order('r1', 'ping', ping()))).toBe('TOO_MANY_REQUESTS');
    expect(await first).toBe('ROBOT_TIMEOUT');
  });

  it('fails what waits when the broker dies, refuses while it is gone, and delivers nothing of it later', async () => {
    const { orders } = await aRobot('r1', () => ({}));
    const waiting = codeOf(requester.order('r1', 'ping', ping(), { timeoutMs: 5_000 }));
    await until(() => orders.length === 1);
    await broker.stop();
    expect(await waiting).toBe('BROKER_UNREACHABLE');
    await until(() => !client.connected);
    expect(await codeOf(requester.order('r1', 'ping', ping()))).toBe('BROKER_UNREACHABLE');
    expect(await codeOf(publish(client, 'rc/v1/robots/r1/cmd/ping', ping()))).toBe('BROKER_UNREACHABLE');
    await broker.start();
    await until(() => clients.every((each) => each.connected));
    let code = '';
    await until(async () => {
      code = await codeOf(
        requester.order('r1', 'ping', { ...ping(), requestId: 'later' }, { timeoutMs: 200 }),
      );
      return orders.some(({ body }) => body.requestId === 'later');
    });
    expect(code).toBe('ROBOT_TIMEOUT');
    expect(orders.slice(1).every(({ body }) => body.requestId === 'later')).toBe(true);
  });

  it('drops an order that the broker has not acknowledged when the connection breaks', async () => {
    const { orders } = await aRobot('r1', () => ({}));
    const lost = codeOf(requester.order('r1', 'ping', { ...ping(), requestId: 'lost' }));
    // Written to the socket only in the next tick; by then there is none.
    await Promise.resolve().then(() => client.stream.destroy());
    expect(await lost).toBe('BROKER_UNREACHABLE');
    await until(() => client.connected);
    await codeOf(requester.order('r1', 'ping', { ...ping(), requestId: 'next' }, { timeoutMs: 200 }));
    await until(() => orders.some(({ body }) => body.requestId === 'next'));
    expect(orders.filter(({ body, packet }) => body.requestId === 'lost' && packet.dup)).toEqual([]);
  });

  it('has Nagle off at both ends: an acknowledged order takes far less than 40 ms', async () => {
    await aRobot('r1');
    const times: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      const started = performance.now();
      await requester.order('r1', 'ping', ping());
      times.push(performance.now() - started);
    }
    // One Nagle alone makes every order 44 ms; a busy machine makes some slow, not half of them.
    expect(times.sort((a, b) => a - b)[25]).toBeLessThan(30);
  });

  it('publishes by the table: retained wish with its expiry, bare text to a legacy topic', async () => {
    const watcher = await aClient('watcher');
    const seen: [string, string, boolean, number | undefined][] = [];
    watcher.on('message', (topic, payload, packet) =>
      seen.push([topic, payload.toString(), packet.retain, packet.properties?.messageExpiryInterval]),
    );
    await publish(client, 'rc/v1/robots/r1/desired/stream/main', { v: 1 });
    await watcher.subscribeAsync(['rc/v1/robots/r1/desired/stream/+', 'robot/stream'], { qos: 1 });
    await publish(client, 'robot/stream', 'start');
    await until(() => seen.length === 2);
    const expiry = (seconds: number): unknown => (broker.version === 5 ? seconds : undefined);
    expect(seen).toEqual([
      ['rc/v1/robots/r1/desired/stream/main', '{"v":1}', true, expiry(30)],
      ['robot/stream', 'start', false, expiry(5)],
    ]);
    await publish(client, 'rc/v1/robots/r1/desired/stream/main', null);
    const late = await aClient('late');
    late.on('message', (topic) => seen.push([topic, 'late', true, 0]));
    await late.subscribeAsync('rc/v1/robots/r1/desired/stream/+', { qos: 1 });
    await publish(client, 'robot/stream', 'stop');
    expect(seen.some(([, text]) => text === 'late')).toBe(false);
  });

  it('says when a published message had no reader, if the broker does', async () => {
    expect(await publish(client, 'robot/stream', 'start')).toEqual({ noSubscriber: broker.version === 5 });
  });
});
