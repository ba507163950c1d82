import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type {
  AlertEvent,
  PlainOrder,
  ProbeReport,
  RobotReply,
  SnapshotEvent,
  TelemetryEvent,
} from '@rovercast/contracts';
import { connectMqtt, mqttOptions, OrderRequester } from '@rovercast/mqtt';
import { JsonLogger, parseSettings } from '@rovercast/platform';
import type { MqttClient } from 'mqtt';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeviceApp } from '../device-app';
import { discoverEncoders, type Encoders } from '../encoder/encoder.discovery';
import { DeviceSettings } from '../settings/device.settings';
import { TelemetryService } from '../telemetry/telemetry.service';
import { aedesBroker, type TestBroker } from '../../../../test/support/brokers';
import { skipped, until } from '../test-parts';

const MISSING = 'file:/nowhere/hunter2.mp4';

describe('orders beside the stream', () => {
  let broker: TestBroker;
  let gateway: MqttClient;
  let requester: OrderRequester;
  let app: NestFastifyApplication;
  let encoders: Encoders;
  let stateDir: string;
  const log: string[] = [];
  const said: { topic: string; body: any }[] = [];

  const of = <T>(kind: string): T[] =>
    said.filter(({ topic }) => topic === `rc/v1/robots/r1/${kind}`).map(({ body }) => body as T);

  const aRobot = async (): Promise<NestFastifyApplication> => {
    const settings = parseSettings(DeviceSettings, {
      ROBOT_ID: 'r1',
      MQTT_URL: broker.url,
      MQTT_VERSION: '4',
      CAMERAS: `main=test,gone=${MISSING}`,
      PORT: '0',
      LOG_LEVEL: 'debug',
    });
    const robot = await createDeviceApp(settings, {
      encoders,
      stateDir,
      // Slower than the gateway below, which must listen again before the robot tells what waited.
      reconnectMs: { min: 300, max: 400 },
      logger: new JsonLogger(settings.logLevel, 'device', { write: (line) => log.push(line) }),
    });
    const births = of('presence').length;
    await robot.listen(0, '127.0.0.1');
    await until(() => of('presence').length > births);
    return robot;
  };

  const order = (name: string, body: object = {}): Promise<RobotReply> =>
    requester.order('r1', name, {
      v: 1,
      requestId: randomUUID(),
      issuedAt: Date.now(),
      ...body,
    } as PlainOrder);

  beforeAll(async () => {
    encoders = await discoverEncoders({});
    broker = await aedesBroker();
    gateway = connectMqtt(
      mqttOptions({ url: broker.url, clientId: 'gw', version: 4, reconnectMs: { min: 20, max: 60 } }),
    );
    gateway.on('message', (topic, payload) => {
      if (topic.startsWith('rc/v1/robots/')) said.push({ topic, body: JSON.parse(payload.toString()) });
    });
    gateway.on('connect', () => void gateway.subscribe('rc/v1/robots/+/#', { qos: 1 }));
    requester = new OrderRequester({ client: gateway, replica: 'gw1', version: 4 });
    await until(() => gateway.connected);
  });

  beforeEach(async () => {
    said.length = 0;
    log.length = 0;
    stateDir = mkdtempSync(join(tmpdir(), 'state-'));
    app = await aRobot();
  });

  afterEach(async () => {
    await app.close();
    expect(log.join()).not.toContain('one-time-token');
  });

  afterAll(async () => {
    requester.close();
    await gateway.endAsync(true);
    await broker.stop();
  });

  describe('snapshot', () => {
    let server: Server;
    const puts: { url?: string; type?: string; token?: string; bytes: Buffer }[] = [];
    let status = 201;
    const uploadUrl = (): string =>
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/snapshots/s1`;

    beforeAll(async () => {
      server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const { 'content-type': type, authorization: token } = request.headers;
          puts.push({ url: `${request.method} ${request.url}`, type, token, bytes: Buffer.concat(chunks) });
          response.writeHead(status).end();
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });

    afterAll(() => server.close());

    const snapshot = (change: object = {}): Promise<RobotReply> =>
      order('snapshot', { camera: 'main', uploadUrl: uploadUrl(), token: 'one-time-token', ...change });

    it('uploads one JPEG with the token, once however often it is asked', async () => {
      if (!encoders.ffmpeg) return skipped('no ffmpeg runs on this machine');
      status = 201;
      const requestId = randomUUID();
      expect(await snapshot({ requestId })).toMatchObject({ code: 'accepted', requestId });
      expect((await snapshot({ requestId })).code).toBe('accepted');
      await until(() => of('evt/snapshot').length > 0, { timeoutMs: 10_000 });
      expect(puts).toHaveLength(1);
      const [{ bytes, ...put }] = puts;
      expect(put).toEqual({
        url: 'PUT /v1/snapshots/s1',
        type: 'image/jpeg',
        token: 'Bearer one-time-token',
      });
      expect([...bytes.subarray(0, 2)]).toEqual([0xff, 0xd8]);
      expect(bytes.length).toBeLessThanOrEqual(262_144);
      expect(of<SnapshotEvent>('evt/snapshot')[0]).toMatchObject({
        requestId,
        uploaded: true,
        sizeBytes: bytes.length,
      });
    });

    it.each<[string, object, number, RegExp]>([
      ['the server refuses it', {}, 403, /answered with 403/],
      ['the camera gives nothing', { camera: 'gone' }, 201, /No such file/],
      ['nobody listens', { uploadUrl: 'http://127.0.0.1:9/x' }, 201, /upload failed/],
    ])('says so when %s', async (_, change, answered, detail) => {
      if (!encoders.ffmpeg) return skipped('no ffmpeg runs on this machine');
      status = answered;
      expect((await snapshot(change)).code).toBe('accepted');
      await until(() => of('evt/snapshot').length > 0, { timeoutMs: 10_000 });
      expect(of<SnapshotEvent>('evt/snapshot')[0]).toMatchObject({
        uploaded: false,
        detail: expect.stringMatching(detail),
      });
    });

    it.each<[string, object]>([
      ['a camera it does not have', { camera: 'back' }],
      ['an address that is no web address', { uploadUrl: 'file:///etc/passwd' }],
      ['an address with a login', { uploadUrl: 'http://a:b@127.0.0.1/x' }],
      ['a token with a line break', { token: 'a\r\nx: y' }],
    ])('rejects %s', async (_, change) => {
      expect((await snapshot(change)).code).toBe('rejected');
    });
  });

  describe('configure', () => {
    const profile = { width: 320, height: 180, fps: 10, bitrateKbps: 200 };
    const config = { telemetrySeconds: 5, profiles: [{ camera: 'main', profile }] };
    const file = (): string => join(stateDir, 'r1.configuration.json');

    it('is on disk when it is acknowledged, and there after a restart', async () => {
      expect((await order('configure', { revision: 3, config })).code).toBe('accepted');
      expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({
        revision: 3,
        telemetrySeconds: 5,
        profiles: { main: profile },
      });
      expect(statSync(file()).mode & 0o777).toBe(0o600);
      await until(() => of<any>('info').at(-1)?.configRevision === 3);
      await app.close();
      app = await aRobot();
      await until(() => of<any>('info').at(-1)?.configRevision === 3);
      expect((await order('configure', { revision: 2, config })).code).toBe('stale');
      expect((await order('configure', { revision: 3, config })).code).toBe('noop');
    });

    it.each<[string, object, RegExp]>([
      ['an unknown key', { revision: 1, config: { telemetrySeconds: 5, rootPassword: 'x' } }, /rootPassword/],
      ['an unknown camera', { revision: 1, config: { profiles: [{ camera: 'back', profile }] } }, /back/],
      ['a wrong value', { revision: 1, config: { telemetrySeconds: 0 } }, /telemetrySeconds/],
      ['no revision', { config }, /revision/],
    ])('refuses %s as a whole', async (_, body, reason) => {
      expect(await order('configure', body)).toMatchObject({
        code: 'rejected',
        reason: expect.stringMatching(reason),
      });
      expect(existsSync(file())).toBe(false);
    });
  });

  it('probes its cameras and reports in 4 KB', async () => {
    if (!encoders.ffmpeg) return skipped('no ffmpeg runs on this machine');
    expect((await order('probe')).code).toBe('accepted');
    expect((await order('probe')).code).toBe('busy');
    await until(() => of('evt/probe').length > 0, { timeoutMs: 15_000 });
    const [report] = of<ProbeReport>('evt/probe');
    expect(report.cameras).toEqual([
      expect.objectContaining({ camera: 'main', ok: true, width: 640, height: 360, fps: 15 }),
      expect.objectContaining({ camera: 'gone', ok: false, problem: 'missing' }),
    ]);
    expect(report.encoders.some(({ chosen, works }) => chosen && works)).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(4_096);
  });

  it('tells how it is', async () => {
    await app.get(TelemetryService).tell();
    await until(() => of('evt/telemetry').length > 0);
    expect(of<TelemetryEvent>('evt/telemetry')[0]).toMatchObject({
      v: 1,
      reconnects: 0,
      memoryTotalBytes: expect.any(Number),
      agentRssBytes: expect.any(Number),
      cameras: [
        { camera: 'main', state: 'idle', restarts: 0 },
        { camera: 'gone', state: 'idle', restarts: 0 },
      ],
    });
  });

  describe('an alert', () => {
    const raise = (payload: object): ReturnType<NestFastifyApplication['inject']> =>
      app.inject({ method: 'POST', url: '/alerts', payload });

    it('raised on the robot reaches the gateway', async () => {
      const answer = await raise({ kind: 'motion', confidence: 0.8 });
      expect(answer.statusCode).toBe(202);
      await until(() => of('evt/alert').length > 0);
      expect(of<AlertEvent>('evt/alert')).toEqual([answer.json()]);
      expect(of<AlertEvent>('evt/alert')[0]).toMatchObject({
        kind: 'motion',
        confidence: 0.8,
        camera: 'main',
      });
    });

    it('waits for the broker, in order', async () => {
      await broker.stop();
      for (const kind of ['fall', 'sound']) expect((await raise({ kind })).statusCode).toBe(202);
      await broker.start();
      await until(() => of('evt/alert').length >= 2, { timeoutMs: 10_000 });
      expect(of<AlertEvent>('evt/alert').map(({ kind }) => kind)).toEqual(['fall', 'sound']);
      await app.get(TelemetryService).tell();
      await until(() => of<TelemetryEvent>('evt/telemetry').at(-1)?.reconnects === 1);
    });

    it.each<[string, object, number]>([
      ['of no kind', {}, 400],
      ['of an unknown kind', { kind: 'ghost' }, 400],
      ['surer than sure', { kind: 'motion', confidence: 2 }, 400],
      ['of a camera that is not there', { kind: 'motion', camera: 'back' }, 400],
    ])('%s is refused', async (_, body, status) => {
      expect((await raise(body)).statusCode).toBe(status);
      expect(of('evt/alert')).toEqual([]);
    });

    it('from another machine is refused', async () => {
      const payload = { kind: 'motion' };
      const answer = await app.inject({
        method: 'POST',
        url: '/alerts',
        payload,
        remoteAddress: '192.0.2.7',
      });
      expect(answer.statusCode).toBe(403);
    });
  });
});
