import { parseSettings } from '@rovercast/platform';
import { connectAsync, type MqttClient } from 'mqtt';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hasMosquitto, mosquittoBroker, type TestBroker } from '../../../../test/support/brokers';
import { aGateway, TEST_SECRET, type TestGateway } from '../../../../test/support/test-gateway';
import { until } from '../../../../test/support/until';
import { GatewaySettings } from '../gateway.settings';
import { DeadMan } from '../streams/dead-man';
import { WishKeeper } from '../streams/wish-keeper';

jest.setTimeout(60_000);

/** A robot as it is out there: QoS 0, no replies, no presence. */
class OldRobot {
  readonly heard: string[] = [];

  private constructor(private readonly client: MqttClient) {
    client.on('message', (_, payload, { retain }) =>
      this.heard.push(`${payload.toString()}${retain ? ' retained' : ''}`),
    );
  }

  static async connect(url: string, topic = 'robot/stream'): Promise<OldRobot> {
    const robot = new OldRobot(await connectAsync(url, { protocolVersion: 4 }));
    await robot.client.subscribeAsync(topic, { qos: 0 });
    return robot;
  }

  close(): Promise<void> {
    return this.client.endAsync(true);
  }
}

/** What the monitor would say: paths with a picture. */
const paths = new Set<string>();

async function aMonitor(): Promise<Server> {
  const server = createServer((_, response) => {
    const seen = [...paths].map((name) => ({ name, viewers: 0 }));
    response.end(JSON.stringify({ takenAt: new Date().toISOString(), paths: seen }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('a robot that knows start and stop', () => {
  let world: TestGateway;
  let monitor: Server;
  let robot: OldRobot;
  let everything: MqttClient;
  const topics: string[] = [];

  beforeAll(async () => {
    monitor = await aMonitor();
    const { port } = monitor.address() as AddressInfo;
    world = await aGateway({ MONITOR_URL: `http://127.0.0.1:${port}` });
    await world.robots.create({ id: 'old', kind: 'legacy', legacyTopic: 'robot/stream' }, 'test');
    robot = await OldRobot.connect(world.brokerUrl);
    everything = await connectAsync(world.brokerUrl, { protocolVersion: 4 });
    everything.on('message', (topic) => topics.push(topic));
    await everything.subscribeAsync('#', { qos: 1 });
  });

  afterAll(async () => {
    await robot?.close();
    await everything?.endAsync(true);
    await world?.close();
    monitor?.closeAllConnections();
    monitor?.close();
  });

  beforeEach(async () => {
    await world.admin.delete('/v1/robots/old/stream');
    await query(`UPDATE streams SET state = 'stopped', ended_at = now() WHERE ended_at IS NULL`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    paths.clear();
    robot.heard.length = 0;
    topics.length = 0;
  });

  const query = (sql: string, values: unknown[] = []): Promise<any[]> =>
    world.database.source.query(sql, values);
  const state = async (): Promise<any> => (await world.admin.get('/v1/robots/old/stream')).body;

  it('hears each word once, and nothing of wishes, orders and renewals', async () => {
    expect((await world.admin.post('/v1/robots/old/stream', {})).status).toBe(201);
    expect((await world.admin.post('/v1/robots/old/stream', {})).status).toBe(200);
    await world.app.get(WishKeeper).renewAll();
    await world.admin.delete('/v1/robots/old/stream');
    await until(() => robot.heard.length === 2);
    expect(robot.heard).toEqual(['start', 'stop']);
    expect(new Set(topics)).toEqual(new Set(['robot/stream']));
  });

  it('keeps its stream through renewals', async () => {
    const { body } = await world.admin.post('/v1/robots/old/stream', {});
    await query(`UPDATE streams SET renewed_at = now() - interval '20 seconds' WHERE id = $1`, [body.id]);
    await world.app.get(WishKeeper).renewAll();
    const [{ fresh }] = await query(
      `SELECT renewed_at > now() - interval '5 seconds' AS fresh FROM streams WHERE id = $1`,
      [body.id],
    );
    expect(fresh).toBe(true);
  });

  it('is told to stop when the monitor closes its stream', async () => {
    const { body } = await world.admin.post('/v1/robots/old/stream', {});
    await query(`SELECT close_stream($1, 'last_viewer_left', NULL, false, 'elsewhere')`, [body.id]);
    await until(() => robot.heard.includes('stop'));
    expect(robot.heard).toEqual(['start', 'stop']);
  });

  it('is told once more after five seconds when its path is still there, and only then', async () => {
    await world.admin.post('/v1/robots/old/stream', {});
    paths.add('robots/old');
    await world.admin.delete('/v1/robots/old/stream');
    const toldAt = performance.now();
    await until(() => robot.heard.length === 3, { timeoutMs: 8_000 });
    expect(performance.now() - toldAt).toBeGreaterThan(4_500);
    expect(robot.heard).toEqual(['start', 'stop', 'stop']);
    paths.clear();
    await world.admin.post('/v1/robots/old/stream', {});
    await world.admin.delete('/v1/robots/old/stream');
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(robot.heard).toEqual(['start', 'stop', 'stop', 'start', 'stop']);
  });

  it('is not stopped by an old stop when it was started again meanwhile', async () => {
    await world.admin.post('/v1/robots/old/stream', {});
    await world.admin.delete('/v1/robots/old/stream');
    paths.add('robots/old');
    await world.admin.post('/v1/robots/old/stream', {});
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    expect(robot.heard).toEqual(['start', 'stop', 'start']);
  });

  describe('through the three older calls', () => {
    it('is a stream that is seen, has a lease and ends', async () => {
      expect((await world.admin.get('/')).body).toEqual({ msg: 'Media bridge service running!' });
      expect((await world.admin.post('/stream/start')).body).toEqual({ msg: 'Published start' });
      const running = await state();
      expect(running).toMatchObject({ state: 'starting', path: 'robots/old' });
      expect(Date.parse(running.leaseUntil) - Date.now()).toBeGreaterThan(50_000);
      expect((await world.admin.post('/stream/stop')).body).toEqual({ msg: 'Published stop' });
      expect(await state()).toMatchObject({ state: 'stopping', cause: 'user' });
      expect(robot.heard).toEqual(['start', 'stop']);
    });

    it('is told again by who asks again before there is a picture, and not after', async () => {
      await world.admin.post('/stream/start');
      await world.admin.post('/stream/start');
      await query(`UPDATE streams SET state = 'live', live_at = now() WHERE ended_at IS NULL`);
      await world.admin.post('/stream/start');
      await until(() => robot.heard.length === 2);
      expect(robot.heard).toEqual(['start', 'start']);
    });

    it('is told to stop even when nobody knows of a stream', async () => {
      expect((await world.admin.post('/stream/stop')).status).toBe(200);
      await until(() => robot.heard.length === 1);
      expect(robot.heard).toEqual(['stop']);
    });

    it('is not for who may not drive it, nor started while it is disabled', async () => {
      for (const call of ['/stream/start', '/stream/stop']) {
        expect((await world.anyone.post(call)).status).toBe(401);
        expect((await world.viewer.post(call)).status).toBe(403);
        expect((await world.operator.post(call)).status).toBe(404);
      }
      await world.admin.call('PATCH', '/v1/robots/old', { disabled: true });
      expect((await world.admin.post('/stream/start')).status).toBe(409);
      await world.admin.call('PATCH', '/v1/robots/old', { disabled: false });
      expect(robot.heard).toEqual([]);
    });
  });
});

(hasMosquitto() ? describe : describe.skip)('the dead man, on a real Mosquitto', () => {
  let broker: TestBroker;

  beforeAll(async () => {
    broker = await mosquittoBroker();
  });

  afterAll(() => broker?.stop());

  const aDeadMan = (version: '4' | '5'): DeadMan =>
    new DeadMan(
      parseSettings(GatewaySettings, {
        DATABASE_URL: 'postgres://x@127.0.0.1/x',
        AUTH_SECRET: TEST_SECRET,
        MQTT_URL: broker.url.replace('mqtt://', 'mqtt://gateway:secret@'),
        MQTT_VERSION: version,
        MONITOR_TOKEN: 'monitor-token-for-tests',
      }),
    );

  const clientOf = (deadMan: DeadMan, robotId: string): MqttClient | undefined =>
    (deadMan as unknown as { holds: Map<string, MqttClient> }).holds.get(robotId);

  const holding = async (deadMan: DeadMan, robotId: string): Promise<void> => {
    deadMan.hold({ robotId, topic: `robot/${robotId}` });
    await until(() => clientOf(deadMan, robotId)?.connected);
  };

  /** As a process dies: the socket goes, nothing is said, and nobody comes back. */
  const die = (deadMan: DeadMan, robotId: string): void => {
    const client = clientOf(deadMan, robotId)!;
    client.options.reconnectPeriod = 0;
    client.stream.destroy();
  };

  it('stops the robots of a gateway that died, twenty seconds later, unless another one took over', async () => {
    const [orphan, adopted, restarted, stopped] = await Promise.all(
      ['orphan', 'adopted', 'restarted', 'stopped'].map((id) => OldRobot.connect(broker.url, `robot/${id}`)),
    );
    const [one, other] = [aDeadMan('5'), aDeadMan('5')];
    for (const id of ['orphan', 'adopted', 'restarted', 'stopped']) await holding(one, id);
    const adopting = [{ robotId: 'adopted', topic: 'robot/adopted' }];
    for (const [taker, loser] of [
      [other, one],
      [one, other],
      [other, one],
    ]) {
      taker.adopt(adopting);
      await until(() => clientOf(taker, 'adopted')?.connected && !clientOf(loser, 'adopted'));
    }
    one.release('stopped');
    const diedAt = performance.now();
    die(one, 'orphan');
    die(one, 'restarted');
    await holding(other, 'restarted');
    await until(() => orphan.heard.length > 0, { timeoutMs: 30_000 });
    expect(performance.now() - diedAt).toBeGreaterThan(15_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect([orphan, adopted, restarted, stopped].map(({ heard }) => heard)).toEqual([['stop'], [], [], []]);
    other.release('adopted');
    other.release('restarted');
    await Promise.all([orphan, adopted, restarted, stopped].map((robot) => robot.close()));
  });

  it('leaves its word behind when the gateway is closed', async () => {
    const robot = await OldRobot.connect(broker.url, 'robot/left');
    const deadMan = aDeadMan('5');
    await holding(deadMan, 'left');
    await deadMan.onApplicationShutdown();
    await until(() => robot.heard.length > 0, { timeoutMs: 30_000 });
    expect(robot.heard).toEqual(['stop']);
    await robot.close();
  });

  it('stops them at once under MQTT 3.1.1, and not when they were told to stop', async () => {
    const [robot, told] = [
      await OldRobot.connect(broker.url, 'robot/r4'),
      await OldRobot.connect(broker.url, 'robot/t4'),
    ];
    const deadMan = aDeadMan('4');
    await holding(deadMan, 'r4');
    await holding(deadMan, 't4');
    deadMan.release('t4');
    die(deadMan, 'r4');
    await until(() => robot.heard.length > 0, { timeoutMs: 5_000 });
    expect([robot.heard, told.heard]).toEqual([['stop'], []]);
    await Promise.all([robot.close(), told.close()]);
  });
});
