import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DomainError, ownerOfPath, parseMessage, WAKE_CHANNEL, WakeRequest } from '@rovercast/contracts';
import { PostgresListener } from '@rovercast/database';
import { LRUCache } from 'lru-cache';
import { Counter, Registry } from 'prom-client';
import { GatewaySettings } from '../gateway.settings';
import { StreamsService } from '../streams/streams.service';
import { WakeRepository } from './wake.repository';
import { answerWake } from './wake.rules';

/** Requests that are worked on at once; what comes on top is dropped, and the player's next attempt rings again. */
const AT_ONCE_MAX = 200;

/** The same refusal of the same path is told once in this time, in milliseconds. */
const TOLD_FOR_MS = 60_000;

/** Starts the camera of a robot when the door says that somebody opened its path. */
@Injectable()
export class WakeService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('Wake');
  private readonly listener: PostgresListener;
  private readonly wakes: Counter;
  private readonly told = new LRUCache<string, string>({ max: 10_000, ttl: TOLD_FOR_MS });
  private readonly underway = new Set<Promise<void>>();

  constructor(
    settings: GatewaySettings,
    private readonly repository: WakeRepository,
    private readonly streams: StreamsService,
    registry: Registry,
  ) {
    this.wakes = new Counter({
      name: 'wakes_total',
      help: 'Requests to wake a camera because somebody opened its path, by what became of them',
      labelNames: ['result'],
      registers: [registry],
    });
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'gateway-wake',
      channels: [WAKE_CHANNEL],
      onNotify: (_, payload) => this.heard(payload),
      onError: (error) => this.log.warn({ msg: 'wake listener lost its connection', error: error.message }),
    });
  }

  onApplicationBootstrap(): void {
    this.listener.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.listener.close();
    await Promise.all(this.underway);
  }

  private heard(payload: string): void {
    if (this.underway.size >= AT_ONCE_MAX) return this.wakes.inc({ result: 'DROPPED' });
    const work = this.answer(payload).finally(() => this.underway.delete(work));
    this.underway.add(work);
  }

  private async answer(payload: string): Promise<void> {
    let path = '';
    try {
      const request = parseMessage(WakeRequest, Buffer.from(payload));
      path = request.path;
      this.wakes.inc({ result: await this.wake(request) });
    } catch (error) {
      const code = codeOf(error);
      this.wakes.inc({ result: code });
      this.tell(path, code, error as Error);
    }
  }

  /** @throws DomainError when the robot cannot be started */
  private async wake({ id, path, reader, ageMs }: WakeRequest): Promise<string> {
    const owner = ownerOfPath(path);
    if (!owner) return 'NOT_FOUND';
    const answer = answerWake(ageMs, await this.repository.recent(owner.robotId, owner.camera));
    if (answer !== 'wake') {
      this.log.debug({ msg: 'nothing to wake', path, reason: answer });
      return answer;
    }
    const userId = await this.repository.userId(reader);
    const { fresh } = await this.streams.wake({ ...owner, id, userId, reader });
    return fresh ? 'STARTED' : 'RUNNING';
  }

  private tell(path: string, code: string, error: Error): void {
    const line = { msg: 'robot not woken', path, code, error: error.message };
    if (this.told.get(path) === code) return this.log.debug(line);
    this.told.set(path, code);
    if (code === 'INTERNAL') this.log.error(line);
    else this.log.warn(line);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof DomainError) return error.code;
  // The stream of this request has been there already: another gateway was faster, and it is over.
  const { constraint } = (error as { driverError?: { constraint?: string } }).driverError ?? {};
  return constraint === 'streams_pkey' ? 'OVER' : 'INTERNAL';
}
