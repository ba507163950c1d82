import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import type { ServerResponse } from 'node:http';
import { may } from '../access';
import { Accounts } from '../session/accounts';
import type { Caller } from '../session/caller';
import { EventLog } from './event-log';
import { EventStream, type Verdict } from './event-stream';
import { isFor, type FleetEvent } from './event.rules';
import { FleetNews } from './fleet-news';

const PER_USER_MAX = 5;
const PER_PROCESS_MAX = 500;
const HEARTBEAT_MS = 15_000;
/** Slots that come and go without a stream of ours (cameras that are pulled) announce nothing; somebody who listens hears of them so late. */
const QUOTA_LOOK_MS = 5_000;

interface Client {
  userId: string;
  stream: EventStream;
  /** Whether the access token it came with still holds. */
  holds: () => boolean;
  judge: (event?: FleetEvent) => Promise<Verdict>;
}

interface Request {
  response: ServerResponse;
  lastEventId: string | undefined;
  holds: () => boolean;
}

/** Who listens, and what they hear: what happens to the paths and robots that they may know of at that moment. */
@Injectable()
export class EventsService implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new EventLog();
  private readonly clients = new Set<Client>();
  private closed = false;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly news: FleetNews,
    private readonly accounts: Accounts,
  ) {}

  onModuleInit(): void {
    this.news.whenNews({
      tell: (event) => this.tell(event),
      policyChanged: () => void this.dropTheGone(),
    });
  }

  onApplicationBootstrap(): void {
    this.repeat(HEARTBEAT_MS, () => this.beat());
    this.repeat(QUOTA_LOOK_MS, () => {
      if (this.clients.size > 0) this.news.lookAtQuotas();
    });
  }

  /** Before the server closes: it would wait for the answers that never end. */
  beforeApplicationShutdown(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const { stream } of this.clients) stream.end();
  }

  /** @throws DomainError TOO_MANY_REQUESTS */
  requireRoom({ id }: Caller): void {
    const own = [...this.clients].filter(({ userId }) => userId === id).length;
    if (own >= PER_USER_MAX) throw full(`you listen ${PER_USER_MAX} times already`, own, PER_USER_MAX);
    if (this.closed || this.clients.size >= PER_PROCESS_MAX)
      throw full('too many listen already', this.clients.size, PER_PROCESS_MAX);
  }

  /** Lets a client listen until it goes, its account or token ends, or the gateway stops. The head of the answer is written. */
  listen(caller: Caller, { response, lastEventId, holds }: Request): void {
    const judge = (event?: FleetEvent): Promise<Verdict> => this.judge(caller, event);
    const stream = new EventStream(this.log, { response, lastEventId, judge });
    const client = { userId: caller.id, stream, holds, judge };
    this.clients.add(client);
    response.once('close', () => {
      this.clients.delete(client);
      stream.end();
    });
  }

  private tell(event: FleetEvent): void {
    this.log.append(event);
    for (const { stream } of this.clients) stream.wake();
  }

  private async judge({ id, address }: Caller, event?: FleetEvent): Promise<Verdict> {
    const caller = await this.accounts.caller(id, address);
    if (!caller || caller.disabled) return 'gone';
    const { role } = caller;
    return event && isFor(event.audience, { role, may: (action, path) => may(caller, action, path) })
      ? 'show'
      : 'hide';
  }

  private beat(): void {
    for (const { stream, holds } of this.clients) {
      if (holds()) stream.beat();
      else stream.end();
    }
    void this.dropTheGone();
  }

  /** A client whose account cannot be read now is looked at again with the next event or heartbeat. */
  private async dropTheGone(): Promise<void> {
    await Promise.all(
      [...this.clients].map(async ({ stream, judge }) => {
        if ((await judge().catch(() => 'hide')) === 'gone') stream.end();
      }),
    );
  }

  private repeat(everyMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
      this.repeat(everyMs, act);
    }, everyMs).unref();
    this.timers.add(timer);
  }
}

const full = (message: string, used: number, limit: number): DomainError =>
  new DomainError('TOO_MANY_REQUESTS', message, { details: { used, limit }, retryAfterSeconds: 5 });
