import { Injectable, Logger } from '@nestjs/common';
import { topic, type ReportedStream, type RobotInfo, type SyncRequest } from '@rovercast/contracts';
import { publish, RobotMqttStrategy, SparseWarnings } from '@rovercast/mqtt';
import { DeviceSettings } from '../settings/device.settings';
import { Boot } from './boot';

/** Kinds of `evt`. */
type EventKind = 'sync-request' | 'snapshot' | 'probe' | 'telemetry' | 'alert';

/**
 * What the robot says. Without a connection it says nothing: the state that counts is told anew on every connection.
 */
@Injectable()
export class RobotPublisher {
  private readonly warnings = new SparseWarnings((line) => {
    new Logger(RobotPublisher.name).warn(line);
  });

  private seq = 0;

  constructor(
    private readonly settings: DeviceSettings,
    private readonly strategy: RobotMqttStrategy,
    private readonly boot: Boot,
  ) {}

  get connected(): boolean {
    try {
      return this.strategy.unwrap().connected;
    } catch {
      return false;
    }
  }

  /** Which life of the agent this is. */
  get bootId(): string {
    return this.boot.bootId;
  }

  presence(word: { online: boolean; clean?: boolean }, timeoutMs?: number): Promise<boolean> {
    const to = topic('presence', { robotId: this.settings.robotId });
    return this.say(to, this.boot.presence(word), { timeoutMs });
  }

  info(body: RobotInfo): Promise<boolean> {
    return this.say(topic('info', { robotId: this.settings.robotId }), body);
  }

  /** Stamps the report with its place in this life of the agent. */
  reported(
    camera: string,
    body: Omit<ReportedStream, 'bootId' | 'connSeq' | 'seq'>,
    timeoutMs?: number,
  ): Promise<boolean> {
    const { bootId, connSeq } = this.boot;
    this.seq += 1;
    const stamped: ReportedStream = { ...body, bootId, connSeq, seq: this.seq };
    return this.say(topic('reported', { robotId: this.settings.robotId, camera }), stamped, { timeoutMs });
  }

  async syncRequest(body: SyncRequest): Promise<void> {
    await this.event('sync-request', body);
  }

  /** False when the broker did not take it. */
  event(kind: EventKind, body: object, expirySeconds?: number): Promise<boolean> {
    return this.say(topic('evt', { robotId: this.settings.robotId, kind }), body, { expirySeconds });
  }

  private async say(
    to: string,
    body: object,
    options: { timeoutMs?: number; expirySeconds?: number } = {},
  ): Promise<boolean> {
    if (!this.connected) return false;
    try {
      await publish(this.strategy.unwrap(), to, body, options);
      return true;
    } catch (error) {
      this.warnings.warn('message not published', { topic: to, reason: (error as Error).message });
      return false;
    }
  }
}
