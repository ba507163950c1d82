import { spawn, type ChildProcess } from 'node:child_process';
import { connectAsync, type MqttClient } from 'mqtt';
import { until } from '../support/until';
import { RestClient } from './support/client';
import { ffmpegPath, play } from './support/player';
import { RunningStack } from './support/stack';

jest.setTimeout(90_000);

/**
 * A robot of the older kind: a plain MQTT client at QoS 0 that replies to nothing, starts an encoder on `start` and ends it on
 * `stop`.
 */
class OldRobot {
  readonly heard: string[] = [];
  private encoder?: ChildProcess;

  private constructor(
    private readonly client: MqttClient,
    private readonly publishUrl: string,
  ) {
    client.on('message', (_, payload) => this.obey(payload.toString()));
  }

  static async connect(
    mqttUrl: string,
    login: { username: string; password: string },
    publishUrl: string,
  ): Promise<OldRobot> {
    const client = await connectAsync(mqttUrl, {
      protocolVersion: 4,
      clientId: 'old-python-script',
      ...login,
    });
    const robot = new OldRobot(client, publishUrl);
    await client.subscribeAsync('robot/stream', { qos: 0 });
    return robot;
  }

  get isStreaming(): boolean {
    return this.encoder !== undefined && this.encoder.exitCode === null && this.encoder.signalCode === null;
  }

  async close(): Promise<void> {
    this.encoder?.kill('SIGKILL');
    await this.client.endAsync(true);
  }

  private obey(word: string): void {
    this.heard.push(word);
    if (word === 'stop') this.encoder?.kill('SIGTERM');
    if (word !== 'start' || this.isStreaming) return;
    const args = [
      ...'-nostdin -loglevel error -re -f lavfi -i testsrc=size=320x240:rate=15'.split(' '),
      ...'-c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p -f flv'.split(' '),
    ];
    this.encoder = spawn(ffmpegPath(), [...args, this.publishUrl], { stdio: 'ignore' });
  }
}

describe('robots in the field', () => {
  let stack: RunningStack;
  let admin: RestClient;

  beforeAll(async () => {
    stack = await RunningStack.start({ environment: { MEDIAMTX_BIN: 'embedded' }, args: ['--no-robot'] });
    admin = await RestClient.login(stack.info.gateway.url, stack.info.accounts.admin);
  });

  afterAll(async () => {
    await stack?.stop();
    stack?.remove();
  });

  describe('a robot of the older kind', () => {
    let robot: OldRobot;
    const state = async (): Promise<any> => (await admin.get('/v1/robots/old/stream')).body;
    const ended = (): Promise<any> =>
      until(async () => ((await state()).endedAt ? state() : undefined), { timeoutMs: 25_000 });

    beforeAll(async () => {
      const { body } = await admin.post('/v1/robots', {
        id: 'old',
        kind: 'legacy',
        legacyTopic: 'robot/stream',
      });
      const { mqtt, media } = stack.info;
      const publishUrl = `${media.rtmpUrl}/robots/old?user=old&pass=${body.key}`;
      robot = await until(
        () =>
          OldRobot.connect(mqtt.url, { username: 'old', password: body.key }, publishUrl).catch(
            () => undefined,
          ),
        { timeoutMs: 10_000 },
      );
    });

    afterAll(() => robot?.close());

    beforeEach(() => void (robot.heard.length = 0));

    it('goes live by REST, is watched, and stops', async () => {
      const { status, body } = await admin.post('/v1/robots/old/stream?wait=live', {});
      expect(status).toBe(201);
      expect(body.state).toBe('live');
      const played = await play(body.urls.rtsp, { frames: 20 });
      expect(played.different).toBeGreaterThan(15);
      await admin.delete('/v1/robots/old/stream');
      expect(await ended()).toMatchObject({ state: 'stopped', cause: 'user' });
      expect(robot.isStreaming).toBe(false);
      expect(robot.heard).toEqual(['start', 'stop']);
    });

    it('is told to stop when nobody watches', async () => {
      expect((await admin.post('/v1/robots/old/stream?wait=live', { leaseSeconds: 5 })).status).toBe(201);
      expect(await ended()).toMatchObject({ cause: 'last_viewer_left' });
      await until(() => !robot.isStreaming, { timeoutMs: 3_000 });
      expect(robot.heard).toEqual(['start', 'stop']);
    });

    it('is started and stopped by the older bridge’s calls, and is seen', async () => {
      expect((await admin.post('/stream/start')).body).toEqual({ msg: 'Published start' });
      await until(async () => (await state()).state === 'live', { timeoutMs: 15_000 });
      expect((await admin.post('/stream/stop')).body).toEqual({ msg: 'Published stop' });
      expect(await ended()).toMatchObject({ state: 'stopped', cause: 'user' });
      await until(() => !robot.isStreaming, { timeoutMs: 3_000 });
    });
  });

  describe('a robot that enrols', () => {
    let key: string;
    const clients: MqttClient[] = [];

    const connect = async (password: string): Promise<MqttClient> => {
      const client = await connectAsync(
        stack.info.mqtt.url,
        { protocolVersion: 4, clientId: 'rover', username: 'rover', password, reconnectPeriod: 0 },
        false,
      );
      clients.push(client);
      return client;
    };

    afterAll(async () => {
      for (const client of clients) await client.endAsync(true);
    });

    it('gets its key for a code, once, and the older one ends', async () => {
      const { body } = await admin.post('/v1/robots', { id: 'rover' });
      const anyone = new RestClient(stack.info.gateway.url);
      const enrolled = await anyone.post('/v1/enroll', { code: body.enrolment.code });
      expect(enrolled.status).toBe(200);
      key = /^ROBOT_KEY=(.+)$/m.exec(enrolled.body.dotenv)![1];
      expect((await anyone.post('/v1/enroll', { code: body.enrolment.code })).status).toBe(401);
      await until(() => connect(key).catch(() => undefined), { timeoutMs: 5_000 });
      await expect(connect(body.key)).rejects.toThrow();
    });

    it('is cut from the broker within seconds when it is disabled, and let back when it is not', async () => {
      const client = await until(() => connect(key).catch(() => undefined), { timeoutMs: 5_000 });
      await admin.call('PATCH', '/v1/robots/rover', { disabled: true });
      await until(() => !client.connected, { timeoutMs: 8_000 });
      await expect(connect(key)).rejects.toThrow();
      await admin.call('PATCH', '/v1/robots/rover', { disabled: false });
      await until(() => connect(key).catch(() => undefined), { timeoutMs: 5_000 });
    });
  });
});
