import {
  DomainError,
  LEASE_TTL_MS,
  parseTopic,
  topic,
  type ReportedStream,
  type StreamWish,
} from '@rovercast/contracts';
import { connectMqtt, mqttOptions, OrderRequester, publish } from '@rovercast/mqtt';
import type { MqttClient } from 'mqtt';
import { randomUUID } from 'node:crypto';
import { isConverged } from './fleet.rules';

const SESSION = '01890000-0000-7000-8000-000000000001';
const ATTEMPT_MS = 1_000;
const ATTEMPTS = 6;

/** Like a gateway: versioned wishes on both carriers, sent again until they are answered, and a memory of what robots say. */
export class FleetGateway {
  readonly online = new Set<string>();
  readonly telling = new Set<string>();
  readonly ackMs: number[] = [];
  retries = 0;
  unanswered = 0;
  private readonly reports = new Map<string, ReportedStream>();
  private readonly wishes = new Map<string, StreamWish>();

  private constructor(
    private readonly client: MqttClient,
    private readonly requester: OrderRequester,
  ) {}

  /** Connected, and subscribed to every robot. */
  static async connect(url: string, version: 4 | 5): Promise<FleetGateway> {
    const replica = `fleet-${process.pid}`;
    const client = connectMqtt(mqttOptions({ url, version, clientId: `gw-${randomUUID()}` }));
    client.on('error', () => {});
    const requester = new OrderRequester({ client, replica, version, maxInFlight: 5_000 });
    const gateway = new FleetGateway(client, requester);
    client.on('message', (to, payload) => gateway.take(to, payload));
    if (!client.connected) await new Promise((resolve) => client.once('connect', resolve));
    const filters = (['presence', 'reported', 'evt'] as const).map((name) => topic(name));
    await client.subscribeAsync(filters, { qos: 1 });
    return gateway;
  }

  /** A new wish, until it is answered or given up. */
  async wish(robotId: string, state: 'on' | 'off'): Promise<void> {
    const wish = this.nextWish(robotId, state);
    this.wishes.set(robotId, wish);
    void this.keep(robotId, wish);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const asked = performance.now();
      try {
        await this.requester.order(robotId, 'stream', wish, { timeoutMs: ATTEMPT_MS });
        this.ackMs.push(performance.now() - asked);
        return;
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        this.retries += 1;
      }
    }
    this.unanswered += 1;
  }

  /** Says again what is wished of those that do not report it; how many do. */
  async remind(robotIds: string[]): Promise<number> {
    const behind = robotIds.filter((id) => !this.isConverged(id));
    await Promise.all(
      behind.flatMap((id) => {
        const wish = this.wishes.get(id);
        if (!wish) return [];
        const again = { ...wish, issuedAt: Date.now(), requestId: randomUUID() };
        return [
          this.keep(id, again),
          this.requester.order(id, 'stream', again, { timeoutMs: ATTEMPT_MS }).catch(() => {}),
        ];
      }),
    );
    return robotIds.length - behind.length;
  }

  isConverged(robotId: string): boolean {
    const wish = this.wishes.get(robotId);
    return wish !== undefined && isConverged(this.reports.get(robotId), wish);
  }

  /** Clears what the broker remembers of these robots, and goes. */
  async close(robotIds: string[]): Promise<void> {
    for (const robotId of robotIds) {
      for (const to of [
        topic('desired', { robotId, camera: 'main' }),
        topic('reported', { robotId, camera: 'main' }),
        topic('presence', { robotId }),
        topic('info', { robotId }),
      ])
        await publish(this.client, to, null).catch(() => {});
    }
    this.requester.close();
    await this.client.endAsync(true);
  }

  private take(to: string, payload: Buffer): void {
    const address = parseTopic(to);
    if (!address?.robotId || payload.length === 0 || address.topic === 'reply') return;
    const { robotId } = address;
    const body = JSON.parse(payload.toString()) as ReportedStream & { online: boolean };
    if (address.topic === 'presence' && body.online) this.online.add(robotId);
    if (address.topic === 'reported') this.reports.set(robotId, body);
    if (address.topic === 'evt' && address.kind === 'telemetry') this.telling.add(robotId);
  }

  private nextWish(robotId: string, state: 'on' | 'off'): StreamWish {
    const version = (this.wishes.get(robotId)?.version ?? 0) + 1;
    const common = { v: 1 as const, requestId: randomUUID(), version, camera: 'main', issuedAt: Date.now() };
    if (state === 'off')
      return { ...common, state, sessionId: null, leaseTtlMs: LEASE_TTL_MS, cause: 'user' };
    const ingest = {
      ...{ url: `rtsp://127.0.0.1:8554/robots/${robotId}`, protocol: 'rtsp' as const },
      ...{ token: 'fleet', tokenExpiresAt: Date.now() + 120_000 },
    };
    return { ...common, state, sessionId: SESSION, leaseTtlMs: 2 * LEASE_TTL_MS, ingest };
  }

  /** The retained copy, without the ticket. */
  private async keep(robotId: string, wish: StreamWish): Promise<void> {
    const to = topic('desired', { robotId, camera: 'main' });
    await publish(this.client, to, { ...wish, ingest: undefined }).catch(() => {});
  }
}
