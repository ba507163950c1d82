import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DomainError, LEASE_TTL_MS } from '@rovercast/contracts';
import { LRUCache } from 'lru-cache';
import { randomUUID } from 'node:crypto';
import { LegacyRobots } from './legacy-robots';
import { StreamNews, type WishChange } from './stream-news';
import { StreamOrders } from './stream-orders';
import { StreamsRepository } from './streams.repository';

/** How often the leases of running streams are renewed, in milliseconds: twice may be missed. */
const RENEW_EVERY_MS = LEASE_TTL_MS / 3;

/** How many of its own changes a process remembers, so as not to pass them on when Postgres announces them. */
const OWN_CHANGES_MAX = 10_000;

/**
 * Keeps robots told: renews the leases of streams that should run, and passes on wishes that somebody else changed (the monitor,
 * another gateway).
 */
@Injectable()
export class WishKeeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(WishKeeper.name);
  private readonly ownChanges = new LRUCache<string, true>({ max: OWN_CHANGES_MAX });
  private timer?: NodeJS.Timeout;
  private closed = false;

  constructor(
    private readonly streams: StreamsRepository,
    private readonly orders: StreamOrders,
    private readonly news: StreamNews,
    private readonly legacy: LegacyRobots,
  ) {}

  onApplicationBootstrap(): void {
    this.news.whenWishChanges((change) => void this.passOn(change));
    this.arm();
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** A request id for a change that this process makes and tells the robot of itself; take it before the change is made. */
  ownChange(): string {
    const requestId = randomUUID();
    this.ownChanges.set(requestId, true);
    return requestId;
  }

  private async passOn({ robotId, camera, requestId }: WishChange): Promise<void> {
    if (this.ownChanges.has(requestId)) return;
    try {
      const wish = await this.streams.wish(robotId, camera);
      // A newer one may have come meanwhile, and be ours.
      if (!wish || wish.version === 0 || this.ownChanges.has(wish.requestId)) return;
      await this.orders.tell(wish);
    } catch (error) {
      if (this.closed) return;
      const code = error instanceof DomainError ? error.code : undefined;
      this.log.warn({ msg: 'wish not passed on', robotId, camera, code, error: (error as Error).message });
    }
  }

  private arm(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => void this.renewAll().finally(() => this.arm()), RENEW_EVERY_MS);
  }

  /** Prolongs the lease of every stream that should run. */
  async renewAll(): Promise<void> {
    if (!this.orders.connected) return;
    try {
      const wishes = await this.streams.renew();
      this.legacy.adopt(wishes);
      await Promise.all(wishes.map((wish) => this.orders.keep(wish, { renew: true })));
    } catch (error) {
      this.log.warn({ msg: 'leases not renewed', error: (error as Error).message });
    }
  }
}
