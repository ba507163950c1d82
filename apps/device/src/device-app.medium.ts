import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ReportedStream, RobotPresence, RobotReply, StreamWish } from '@rovercast/contracts';
import { connectMqtt, mqttOptions, OrderRequester, publish } from '@rovercast/mqtt';
import { JsonLogger, parseSettings } from '@rovercast/platform';
import type { MqttClient } from 'mqtt';
import { randomUUID } from 'node:crypto';
import { aedesBroker, hasMosquitto, mosquittoBroker, type TestBroker } from '../../../test/support/brokers';
import { createDeviceApp } from './device-app';
import { DeviceSettings } from './settings/device.settings';
import { StreamService } from './stream/stream.service';
import { isAlive, pretendEncoder, until, type PretendEncoder } from './test-parts';

const brokers: [string, () => Promise<TestBroker>, () => boolean][] = [
  ['aedes, MQTT 3.1.1', aedesBroker, () => true],
  ['Mosquitto, MQTT 5', mosquittoBroker, hasMosquitto],
];

/** Others may write nonsense to the robot's topics, and do so below. */
const read = (payload: Buffer): any => {
  try {
    return JSON.parse(payload.toString()) ?? {};
  } catch {
    return {};
  }
};

const SESSION = '01890000-0000-7000-8000-000000000001';
const TICKET = 'hunter2.ticket';

describe.each(brokers)('the agent on %s', (_, startBroker, isThere) => {
  if (!isThere()) {
    it.skip('skipped: there is no mosquitto on the PATH', () => {});
    return;
  }
  let broker: TestBroker;
  let encoder: PretendEncoder;
  let gateway: MqttClient;
  let requester: OrderRequester;
  let version = 0;
  const apps: NestFastifyApplication[] = [];
  const log: string[] = [];
  /** Everything robots said, oldest first. */
  let said: { topic: string; body: any; retain: boolean }[] = [];

  const aRobot = async (change: Record<string, string> = {}): Promise<NestFastifyApplication> => {
    const settings = parseSettings(DeviceSettings, {
      ROBOT_ID: 'r1',
      MQTT_URL: broker.url,
      MQTT_VERSION: String(broker.version),
      ROBOT_KEY: 'hunter2-key',
      CAMERAS: 'main=test,front=test',
      PORT: '0',
      LOG_LEVEL: 'debug',
      ...change,
    });
    const app = await createDeviceApp(settings, {
      encoders: {
        ffmpeg: { path: encoder.path, videoEncoder: 'libx264', needsAddresses: false },
        setpriv: true,
      },
      reconnectMs: { min: 20, max: 60 },
      logger: new JsonLogger(settings.logLevel, 'device', { write: (line) => log.push(line) }),
    });
    apps.push(app);
    const from = said.length;
    await app.listen(0, '127.0.0.1');
    await until(() => said.slice(from).some(({ topic, body }) => topic.endsWith('/presence') && body.online));
    return app;
  };

  const aWish = (change: Partial<StreamWish> = {}): StreamWish => ({
    v: 1,
    requestId: randomUUID(),
    version: (version += 1),
    state: 'on',
    sessionId: SESSION,
    camera: 'main',
    leaseTtlMs: 30_000,
    issuedAt: Date.now(),
    ingest: {
      url: 'rtsp://127.0.0.1:9/robots/r1',
      protocol: 'rtsp',
      token: TICKET,
      tokenExpiresAt: Date.now() + 60_000,
    },
    ...change,
  });

  const off = (change: Partial<StreamWish> = {}): StreamWish =>
    aWish({ state: 'off', sessionId: null, ingest: undefined, cause: 'user', ...change });

  const order = (wish: object, robot = 'r1'): Promise<RobotReply> =>
    requester.order(robot, 'stream', wish as StreamWish, { timeoutMs: 3_000 });

  const reports = (camera = 'main', robot = 'r1'): ReportedStream[] =>
    said
      .filter(({ topic }) => topic === `rc/v1/robots/${robot}/reported/stream/${camera}`)
      .map(({ body }) => body);

  const isNow =
    (state: string, camera = 'main') =>
    (): boolean =>
      reports(camera).at(-1)?.state === state;

  const running = (): number[] => encoder.pids().filter(isAlive);

  const aGateway = async (): Promise<void> => {
    gateway = connectMqtt(
      mqttOptions({
        url: broker.url,
        clientId: `gateway-${randomUUID()}`,
        version: broker.version,
        reconnectMs: { min: 20, max: 60 },
      }),
    );
    gateway.on('message', (topic, payload, { retain }) => {
      if (topic.startsWith('rc/v1/robots/')) said.push({ topic, body: read(payload), retain });
    });
    const listen = (): void =>
      void gateway.subscribe(
        ['presence', 'info', 'reported/stream/+', 'evt/+'].map((rest) => `rc/v1/robots/+/${rest}`),
        { qos: 1 },
      );
    gateway.on('connect', listen);
    requester = new OrderRequester({ client: gateway, replica: 'gw1', version: broker.version });
    await until(() => gateway.connected);
  };

  beforeEach(async () => {
    version = 0;
    said = [];
    log.length = 0;
    encoder = pretendEncoder();
    broker = await startBroker();
    await aGateway();
  });

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    requester.close();
    await gateway.endAsync(true).catch(() => {});
    await broker.stop();
    expect(running()).toEqual([]);
    expect(log.join()).not.toContain('hunter2');
  });

  it('is born: presence, what it is, and what each camera does', async () => {
    const app = await aRobot();
    await until(() => reports('main').length > 0 && reports('front').length > 0);
    const presence = said.find(({ topic }) => topic.endsWith('presence'))!.body as RobotPresence;
    expect(presence).toMatchObject({ v: 1, online: true, connSeq: 1, clean: false });
    expect(said.find(({ topic }) => topic.endsWith('info'))?.body).toMatchObject({
      encoders: ['ffmpeg'],
      cameras: ['main', 'front'],
    });
    expect(reports('main').at(-1)).toMatchObject({ version: 0, state: 'idle', bootId: presence.bootId });
    expect((await app.inject('/health/ready')).statusCode).toBe(200);
  });

  it('starts, tells it, and stops', async () => {
    const app = await aRobot();
    const wish = aWish();
    expect(await order(wish)).toMatchObject({ requestId: wish.requestId, version: 1, code: 'accepted' });
    await until(isNow('live'));
    expect(running()).toHaveLength(1);
    expect(encoder.args()[0].at(-1)).toBe(`rtsp://127.0.0.1:9/robots/r1?token=${TICKET}`);
    expect(reports().map(({ state }) => state)).toEqual(['idle', 'starting', 'live']);
    const metrics = (await app.inject('/metrics')).body;
    expect(metrics).toContain('agent_encoders_running 1');
    expect(metrics).toContain('agent_orders_total{name="stream",code="accepted"} 1');
    const asked = performance.now();
    expect((await order(off())).code).toBe('accepted');
    await until(isNow('idle'));
    expect(performance.now() - asked).toBeLessThan(2_000);
    expect(reports().at(-1)).toMatchObject({ version: 2, cause: 'user', sessionId: SESSION });
    expect(running()).toEqual([]);
    const numbers = reports().map(({ seq }) => seq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('has one encoder however often and in whichever order it is asked', async () => {
    await aRobot();
    const wishes = [aWish(), aWish({ sessionId: SESSION.replace(/1$/, '2') }), aWish()];
    const asked = [...wishes, ...wishes, ...wishes].sort(() => Math.random() - 0.5);
    await Promise.all(
      asked.map((wish, index) =>
        index % 2
          ? publish(gateway, 'rc/v1/robots/r1/desired/stream/main', { ...wish, ingest: undefined })
          : gateway.publishAsync('rc/v1/robots/r1/cmd/stream', JSON.stringify(wish), { qos: 1 }),
      ),
    );
    await order({ ...wishes[2], requestId: 'last' });
    await until(() => reports().at(-1)?.state === 'live' && reports().at(-1)?.version === 3);
    expect(running()).toHaveLength(1);
    expect((await order(aWish({ version: 2 }))).code).toBe('stale');
  });

  it('works two cameras apart from each other', async () => {
    await aRobot();
    await Promise.all([order(aWish({ version: 1 })), order(aWish({ version: 1, camera: 'front' }))]);
    await until(() => isNow('live')() && isNow('live', 'front')());
    await order(off({ version: 2 }));
    await until(isNow('idle'));
    expect(isNow('live', 'front')()).toBe(true);
    expect(running()).toHaveLength(1);
  });

  it.each<[string, string, object | string, RegExp]>([
    [
      'stream',
      'a picture without size',
      { profile: { width: 0, height: 0, fps: 15, bitrateKbps: 800 } },
      /profile\.width.*profile\.height/,
    ],
    [
      'stream',
      'a billion frames',
      { profile: { width: 640, height: 360, fps: 1e9, bitrateKbps: 800 } },
      /profile\.fps/,
    ],
    ['stream', 'a camera it does not have', { camera: 'back' }, /camera is none of main, front/],
    [
      'stream',
      'another scheme',
      { ingest: { url: 'file:///etc/passwd', protocol: 'rtsp', token: 't', tokenExpiresAt: 9e12 } },
      /ingest\.url/,
    ],
    [
      'stream',
      'a scheme that is not the protocol',
      { ingest: { url: 'rtmp://h/x', protocol: 'rtsp', token: 't', tokenExpiresAt: 9e12 } },
      /ingest\.url/,
    ],
    [
      'stream',
      'a ticket with a space',
      { ingest: { url: 'rtsp://h/x', protocol: 'rtsp', token: 'a b', tokenExpiresAt: 9e12 } },
      /ingest\.token/,
    ],
    ['stream', 'a version that is no number', { version: 'x' }, /version/],
    ['stream', 'a lease of a year', { leaseTtlMs: 3e10 }, /leaseTtlMs/],
    ['stream', 'a session that is no UUID', { sessionId: '-i /etc/passwd' }, /sessionId/],
    ['fly', 'an order nobody knows', {}, /does not know/],
    ['constructor', 'an order named like a part of JavaScript', {}, /does not know/],
    ['stream', '5 KiB', { cause: 'x'.repeat(5_000) }, /larger than 4096/],
  ])('rejects %s with %s, naming the field, and spawns nothing', async (name, _what, change, reason) => {
    await aRobot();
    const reply = await requester.order(
      'r1',
      name,
      { ...aWish(), ...(change as object) },
      { timeoutMs: 10_000 },
    );
    expect(reply).toMatchObject({ code: 'rejected', reason: expect.stringMatching(reason) });
    expect(encoder.pids()).toEqual([]);
  });

  it('lives through a flood of garbage with one line of each kind', async () => {
    await aRobot();
    const junk = [
      '',
      '{',
      '[]',
      'null',
      '5',
      '"start"',
      '\0\x01',
      'x'.repeat(65_000),
      '{"v":1}',
      '{"data":{"v":1}}',
    ];
    log.length = 0;
    for (let round = 0; round < 5; round += 1) {
      for (const payload of junk) {
        for (const rest of [
          'cmd/stream',
          'cmd/ping',
          'desired/stream/main',
          'desired/stream/nope',
          'presence',
        ]) {
          await gateway.publishAsync(`rc/v1/robots/r1/${rest}`, payload, { qos: 1 });
        }
      }
    }
    expect((await requester.order('r1', 'ping', { v: 1, requestId: 'p', issuedAt: 1 } as never)).code).toBe(
      'accepted',
    );
    expect(log.filter((line) => line.includes('"warn"')).length).toBeLessThanOrEqual(6);
    expect(encoder.pids()).toEqual([]);
  });

  it('stops by itself when the lease is not renewed, broker or not', async () => {
    await aRobot();
    await order(aWish({ leaseTtlMs: 1_000 }));
    await until(() => running().length === 1);
    await broker.stop();
    await until(() => running().length === 0, { timeoutMs: 4_000 });
    await broker.start();
    await until(() => reports().at(-1)?.cause === 'lease_expired' && isNow('idle')());
  });

  it('goes on through a broker restart, and tells everything anew', async () => {
    await aRobot();
    await order(aWish());
    await until(isNow('live'));
    const [pid] = running();
    await broker.stop();
    said = [];
    await broker.start();
    await until(() => isNow('live')() && said.some(({ topic }) => topic.endsWith('info')));
    expect(running()).toEqual([pid]);
    expect(said.find(({ topic }) => topic.endsWith('presence'))?.body.connSeq).toBeGreaterThan(1);
    await until(() => gateway.connected);
    await until(async () => (await order(off()).catch(() => undefined)) !== undefined);
  });

  it('asks for the order itself when it wakes to a retained wish, and starts with it', async () => {
    const wish = aWish();
    await publish(gateway, 'rc/v1/robots/r1/desired/stream/main', { ...wish, ingest: undefined });
    await aRobot();
    await until(() => said.some(({ topic }) => topic.endsWith('evt/sync-request')));
    expect(said.find(({ topic }) => topic.endsWith('evt/sync-request'))?.body).toMatchObject({
      v: 1,
      camera: 'main',
    });
    expect(encoder.pids()).toEqual([]);
    expect((await order(wish)).code).toBe('accepted');
    await until(isNow('live'));
  });

  it('keeps off after waking to a retained off, and takes only what is newer', async () => {
    await publish(gateway, 'rc/v1/robots/r1/desired/stream/main', off({ version: 7 }));
    await aRobot();
    await until(() => reports().at(-1)?.version === 7);
    expect((await order(aWish({ version: 6 }))).code).toBe('stale');
    expect(encoder.pids()).toEqual([]);
  });

  it('renews the lease by retained copies', async () => {
    await aRobot();
    const wish = aWish({ leaseTtlMs: 1_000 });
    await order(wish);
    await until(isNow('live'));
    const started = performance.now();
    while (performance.now() - started < 2_500) {
      await publish(
        gateway,
        'rc/v1/robots/r1/desired/stream/main',
        { ...wish, ingest: undefined, renew: true, issuedAt: Date.now() },
        { expirySeconds: 2 },
      );
      const sent = performance.now();
      await until(() => performance.now() - sent > 300);
    }
    expect(isNow('live')()).toBe(true);
    expect(encoder.pids()).toHaveLength(1);
    await until(isNow('idle'), { timeoutMs: 10_000 }).catch((error: Error) => {
      throw new Error(`${error.message}; last said: ${JSON.stringify(reports().slice(-4))}`);
    });
    expect(reports().at(-1)?.cause).toBe('lease_expired');
  });

  it('tries again after the encoder fails, asks for a fresh ticket when it was refused, and says why', async () => {
    const app = await aRobot();
    await order(
      aWish({
        ingest: {
          url: 'rtsp://127.0.0.1:9/refused',
          protocol: 'rtsp',
          token: TICKET,
          tokenExpiresAt: Date.now() + 60_000,
        },
      }),
    );
    await until(() => encoder.pids().length >= 3, { timeoutMs: 10_000 });
    expect(reports().some(({ cause, state }) => cause === 'ingest_refused' && state === 'starting')).toBe(
      true,
    );
    expect(said.some(({ topic }) => topic.endsWith('evt/sync-request'))).toBe(true);
    expect((await app.inject('/metrics')).body).toMatch(/agent_encoder_restarts_total [1-9]/);
  });

  it('says good-bye, and leaves no encoder behind', async () => {
    const app = await aRobot();
    await order(aWish());
    await until(isNow('live'));
    apps.splice(apps.indexOf(app), 1);
    await app.close();
    expect(running()).toEqual([]);
    await until(() => said.some(({ topic, body }) => topic.endsWith('presence') && !body.online));
    const word = said.filter(({ topic }) => topic.endsWith('presence')).at(-1)!.body as RobotPresence;
    expect(word).toMatchObject({ online: false, clean: true });
    expect(reports().at(-1)).toMatchObject({ state: 'idle', cause: 'robot_local' });
  });

  it('says that it is online when somebody says that it is not', async () => {
    await aRobot();
    const late = { v: 1, online: false, bootId: 'old', connSeq: 1, at: 1, clean: false };
    said = [];
    await publish(gateway, 'rc/v1/robots/r1/presence', late);
    await until(() => said.some(({ topic, body }) => topic.endsWith('presence') && body.online));
  });

  it('tells everything anew when asked to sync', async () => {
    await aRobot();
    await until(() => reports('front').length > 0);
    said = [];
    const reply = await requester.order('r1', 'sync', {
      v: 1,
      requestId: 's',
      issuedAt: Date.now(),
    } as never);
    expect(reply.code).toBe('accepted');
    await until(() =>
      ['presence', 'info', 'front', 'main'].every((end) => said.some(({ topic }) => topic.endsWith(end))),
    );
  });

  it('obeys bare start and stop when told to, and not otherwise', async () => {
    const app = await aRobot({ LEGACY_TOPIC_ENABLED: 'true', MEDIA_SERVER: 'rtmp://127.0.0.1:9' });
    await publish(gateway, 'robot/stream', 'dance');
    await publish(gateway, 'robot/stream', 'start');
    await publish(gateway, 'robot/stream', 'start');
    await until(isNow('live'));
    expect(encoder.args().map((args) => args.at(-1))).toEqual([
      'rtmp://127.0.0.1:9/robots/r1?user=r1&pass=hunter2-key',
    ]);
    await publish(gateway, 'robot/stream', 'stop');
    await until(isNow('idle'));
    apps.splice(apps.indexOf(app), 1);
    await app.close();
    await aRobot();
    await publish(gateway, 'robot/stream', 'start');
    await requester.order('r1', 'ping', { v: 1, requestId: 'p', issuedAt: 1 } as never);
    expect(encoder.pids()).toHaveLength(1);
  });

  it('shares a process with another robot', async () => {
    const [one, two] = [await aRobot(), await aRobot({ ROBOT_ID: 'r2' })];
    await Promise.all([order(aWish({ version: 1 })), order(aWish({ version: 1 }), 'r2')]);
    await until(() => reports('main', 'r2').at(-1)?.state === 'live' && isNow('live')());
    expect(one.get(StreamService).encoderPid('main')).not.toBe(two.get(StreamService).encoderPid('main'));
    expect(running()).toHaveLength(2);
  });
});
