import { parseTopic, topic, type RobotReply, type StreamWish } from '@rovercast/contracts';
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt';

export interface Heard {
  topic: string;
  payload: string;
  retain: boolean;
}

type Answer = Partial<RobotReply> | 'silence';

/** A robot at the wire: says what it is told to say, and remembers every message. */
export class FakeRobot {
  readonly heard: Heard[] = [];
  /** What it answers to the next orders. */
  answer: (wish: StreamWish) => Answer = () => ({ code: 'accepted' });
  private seq = 0;

  private constructor(
    readonly id: string,
    readonly client: MqttClient,
    readonly bootId: string,
  ) {}

  static async connect(
    url: string,
    id: string,
    login: { username?: string; password?: string } = {},
  ): Promise<FakeRobot> {
    const bootId = `boot-${Math.random().toString(36).slice(2)}`;
    const will = { v: 1, online: false, bootId, connSeq: 1, at: 0, clean: false };
    const client = await connectAsync(url, {
      protocolVersion: 4,
      clientId: `robot-${id}`,
      ...login,
      will: {
        topic: topic('presence', { robotId: id }),
        payload: Buffer.from(JSON.stringify(will)),
        qos: 1,
        retain: true,
      },
    });
    const robot = new FakeRobot(id, client, bootId);
    client.on('message', (name, payload, packet) => robot.take(name, payload, packet));
    await client.subscribeAsync([`rc/v1/robots/${id}/cmd/+`, `rc/v1/robots/${id}/desired/stream/+`], {
      qos: 1,
    });
    await robot.say('presence', { v: 1, online: true, bootId, connSeq: 1, at: Date.now(), clean: false });
    return robot;
  }

  /** Orders that came on `cmd/stream`. */
  orders(): StreamWish[] {
    return this.heard
      .filter(({ topic: name }) => name.endsWith('/cmd/stream'))
      .map(({ payload }) => JSON.parse(payload) as StreamWish);
  }

  /** Copies that came on `desired`. */
  desired(): StreamWish[] {
    return this.heard
      .filter(({ topic: name, payload }) => name.includes('/desired/') && payload !== '')
      .map(({ payload }) => JSON.parse(payload) as StreamWish);
  }

  async report(camera: string, report: object): Promise<void> {
    this.seq += 1;
    const body = {
      v: 1,
      version: 0,
      sessionId: null,
      since: Date.now(),
      bootId: this.bootId,
      connSeq: 1,
      seq: this.seq,
      ...report,
    };
    await this.publish(topic('reported', { robotId: this.id, camera }), JSON.stringify(body), true);
  }

  async askSync(camera: string, version: number): Promise<void> {
    await this.publish(
      topic('evt', { robotId: this.id, kind: 'sync-request' }),
      JSON.stringify({ v: 1, camera, version }),
    );
  }

  async publish(name: string, payload: string | Buffer, retain = false): Promise<void> {
    await this.client.publishAsync(name, payload, { qos: 1, retain });
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }

  private async say(name: 'presence', body: object): Promise<void> {
    await this.publish(topic(name, { robotId: this.id }), JSON.stringify(body), true);
  }

  private take(name: string, payload: Buffer, packet: IPublishPacket): void {
    this.heard.push({ topic: name, payload: payload.toString(), retain: packet.retain });
    if (parseTopic(name)?.topic !== 'cmd') return;
    const order = JSON.parse(payload.toString()) as StreamWish;
    const answer = this.answer(order);
    if (answer === 'silence' || !order.replyTo) return;
    const reply = {
      requestId: order.requestId,
      version: order.version,
      bootId: this.bootId,
      code: 'accepted',
      ...answer,
    };
    void this.publish(order.replyTo, JSON.stringify(reply));
  }
}
