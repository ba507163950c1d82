import { Controller, Logger, Module, type INestMicroservice } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { NestFactory } from '@nestjs/core';
import { DomainError, type RobotReply } from '@rovercast/contracts';
import type { MqttClient } from 'mqtt';
import { randomUUID } from 'node:crypto';
import { connectMqtt, mqttOptions } from './connection';
import { DomainErrorFilter } from './domain-error.filter';
import { OrderRequester } from './order-requester';
import { RobotMqttStrategy, type RobotMessage } from './robot-mqtt.strategy';
import {
  aedesBroker,
  hasMosquitto,
  mosquittoBroker,
  until,
  type TestBroker,
} from '../../../test/support/brokers';

const seen: [string, string, boolean][] = [];

@Controller()
class RobotController {
  @MessagePattern('rc/v1/robots/{robotId}/cmd/ping')
  ping(@Payload() { payload }: RobotMessage): RobotReply {
    const { requestId } = JSON.parse(payload.toString()) as { requestId: string };
    return { requestId, code: 'accepted', bootId: 'b1' };
  }

  @MessagePattern('rc/v1/robots/{robotId}/cmd/probe')
  probe(): RobotReply {
    throw new DomainError('INVALID_INPUT', 'profile.width must not be less than 16');
  }

  @MessagePattern('rc/v1/robots/{robotId}/cmd/configure')
  configure(): Promise<RobotReply> {
    return Promise.reject(new Error('password=hunter2 leaked from inside'));
  }

  @EventPattern('rc/v1/robots/{robotId}/desired/stream/{camera}')
  desired(@Payload() { payload, topic, retain }: RobotMessage): void {
    if (payload.toString() === 'boom') throw new Error('handler broke');
    seen.push([topic, payload.toString(), retain]);
  }
}

@Module({ controllers: [RobotController] })
class RobotModule {}

const brokers: [string, () => Promise<TestBroker>, () => boolean][] = [
  ['aedes, MQTT 3.1.1', aedesBroker, () => true],
  ['Mosquitto, MQTT 5', mosquittoBroker, hasMosquitto],
];

describe.each(brokers)('RobotMqttStrategy on %s', (_, startBroker, isThere) => {
  if (!isThere()) {
    it.skip('skipped: there is no mosquitto on the PATH', () => {});
    return;
  }
  const lines: object[] = [];
  let broker: TestBroker;
  let app: INestMicroservice;
  let strategy: RobotMqttStrategy;
  let client: MqttClient;
  let requester: OrderRequester;
  let births = 0;

  const ask = (name: string, body: object = {}) =>
    requester.order('r1', name, { requestId: randomUUID(), ...body }, { timeoutMs: 2_000 });

  beforeAll(async () => {
    broker = await startBroker();
    const log = (line: object): void => void lines.push(line);
    strategy = new RobotMqttStrategy({
      url: broker.url,
      clientId: 'r1',
      version: broker.version,
      reconnectMs: { min: 20, max: 60 },
      variables: { robotId: 'r1' },
      allowReplyTo: (topic) => /^rc\/v1\/gw\/[\w-]+\/reply\/r1$/.test(topic),
      birth: () => void (births += 1),
      bootId: 'b1',
      logger: { log, warn: log },
    });
    app = await NestFactory.createMicroservice(RobotModule, { strategy, logger: false });
    app.useGlobalFilters(new DomainErrorFilter());
    await app.listen();
    client = connectMqtt(
      mqttOptions({
        url: broker.url,
        clientId: 'gw',
        version: broker.version,
        reconnectMs: { min: 20, max: 60 },
      }),
    );
    requester = new OrderRequester({ client, replica: 'gw1', version: broker.version });
    await until(() => births === 1 && client.connected);
  });

  afterAll(async () => {
    requester.close();
    await client.endAsync(true);
    await app.close();
    await broker.stop();
    Logger.overrideLogger(['error', 'warn', 'log']);
  });

  beforeEach(() => {
    seen.length = 0;
    lines.length = 0;
  });

  it('answers an order', async () => {
    expect(await ask('ping')).toMatchObject({ code: 'accepted', bootId: 'b1' });
  });

  it('passes bytes on that Nest would take for its own envelope', async () => {
    expect((await ask('ping', { data: { x: 1 }, pattern: 'p', id: '7' })).code).toBe('accepted');
    await client.publishAsync('rc/v1/robots/r1/desired/stream/main', '{"data":5,"pattern":"p"}', { qos: 1 });
    await until(() => seen.length === 1);
    expect(seen[0]).toEqual(['rc/v1/robots/r1/desired/stream/main', '{"data":5,"pattern":"p"}', false]);
  });

  it('turns a DomainError into a rejection that names the field, and hides any other error', async () => {
    expect(await ask('probe')).toMatchObject({
      code: 'rejected',
      reason: 'profile.width must not be less than 16',
      bootId: 'b1',
    });
    expect(await ask('configure')).toMatchObject({ code: 'rejected', reason: 'the robot could not do it' });
  });

  it("neither answers nor obeys an order whose reply topic is not the robot's own", async () => {
    const stray: string[] = [];
    client.on('message', (topic) => stray.push(topic));
    await client.subscribeAsync(['rc/v1/robots/r1/presence', 'rc/v1/gw/gw1/reply/r2'], { qos: 1 });
    for (const replyTo of [
      'rc/v1/robots/r1/presence',
      'rc/v1/gw/gw1/reply/r2',
      'rc/v1/gw/a/b/reply/r1',
      '#',
    ]) {
      await client.publishAsync('rc/v1/robots/r1/cmd/ping', JSON.stringify({ requestId: 'x', replyTo }), {
        qos: 1,
      });
    }
    await ask('ping');
    expect(stray.filter((topic) => topic !== 'rc/v1/gw/gw1/reply/r1')).toEqual([]);
  });

  it('goes on after garbage and broken handlers, with one line of each kind', async () => {
    const junk = ['', '{', 'boom', 'null', '[[[[', 'x'.repeat(60_000), '{"replyTo":5,"requestId":{}}', '\0'];
    for (const payload of [...junk, ...junk]) {
      await client.publishAsync('rc/v1/robots/r1/desired/stream/main', payload, { qos: 1 });
      await client.publishAsync('rc/v1/robots/r1/cmd/ping', payload, { qos: 1 });
      await client.publishAsync('rc/v1/robots/r1/cmd/probe', payload, { qos: 1 });
    }
    expect((await ask('ping')).code).toBe('accepted');
    const kinds = lines.map((line) => (line as { msg: string }).msg);
    expect(kinds.length).toBe(new Set(kinds).size);
  });

  it('subscribes and is born again after the broker was gone', async () => {
    const before = births;
    await broker.stop();
    await until(() => !client.connected && !strategy.unwrap().connected);
    await broker.start();
    await until(() => births === before + 1 && client.connected);
    await until(async () => (await ask('ping').catch(() => undefined))?.code === 'accepted');
  });
});

(hasMosquitto() ? describe : describe.skip)('RobotMqttStrategy in a share group (Mosquitto)', () => {
  const got: string[] = [];

  @Controller()
  class GatewayController {
    @EventPattern('rc/v1/robots/{robotId}/evt/{kind}')
    event(@Payload() { payload }: RobotMessage): void {
      got.push(`event ${payload.toString()}`);
    }

    @EventPattern('rc/v1/robots/{robotId}/presence', { shared: false })
    presence(@Payload() { payload }: RobotMessage): void {
      got.push(`presence ${payload.toString()}`);
    }
  }

  @Module({ controllers: [GatewayController] })
  class GatewayModule {}

  it('gives an event to one of two processes, and presence to both', async () => {
    const broker = await mosquittoBroker();
    const strategies = ['a', 'b'].map(
      (name) => new RobotMqttStrategy({ url: broker.url, clientId: name, version: 5, shareGroup: 'gw' }),
    );
    const apps = await Promise.all(
      strategies.map((strategy) =>
        NestFactory.createMicroservice(GatewayModule, { strategy, logger: false }),
      ),
    );
    await Promise.all(apps.map((app) => app.listen()));
    const robot = connectMqtt(mqttOptions({ url: broker.url, clientId: 'r1', version: 5 }));
    await until(() => robot.connected && strategies.every((strategy) => strategy.unwrap().connected));
    await until(async () => {
      await robot.publishAsync('rc/v1/robots/r1/presence', 'hello', { qos: 1 });
      return got.filter((text) => text === 'presence hello').length >= 2;
    });
    for (let count = 0; count < 10; count += 1) {
      await robot.publishAsync('rc/v1/robots/r1/evt/alert', `${count}`, { qos: 1 });
    }
    await robot.publishAsync('rc/v1/robots/r1/presence', 'end', { qos: 1 });
    await until(() => got.filter((text) => text === 'presence end').length === 2);
    expect(got.filter((text) => text.startsWith('event')).sort()).toEqual(
      Array.from({ length: 10 }, (_, index) => `event ${index}`),
    );
    await robot.endAsync(true);
    await Promise.all(apps.map((app) => app.close()));
    await broker.stop();
    Logger.overrideLogger(['error', 'warn', 'log']);
  });
});

describe('RobotMqttStrategy without a broker', () => {
  it('starts and stops all the same', async () => {
    const strategy = new RobotMqttStrategy({ url: 'mqtt://127.0.0.1:9', clientId: 'r1', version: 5 });
    const app = await NestFactory.createMicroservice(RobotModule, { strategy, logger: false });
    await app.listen();
    await app.close();
    Logger.overrideLogger(['error', 'warn', 'log']);
  });
});
