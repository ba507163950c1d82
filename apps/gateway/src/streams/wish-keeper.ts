import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DomainError, LEASE_TTL_MS } from '@rovercast/contracts';
import { StreamNews } from './stream-news';
import { StreamOrders } from './stream-orders';
import { StreamsRepository, type Wish } from './streams.repository';

/** How often the leases of running streams are renewed, in milliseconds: twice may be missed. */
const RENEW_EVERY_MS = LEASE_TTL_MS / 3;

/** Versions that this process told the robot itself are not told again when Postgres announces them. */
const TOLD_MAX = 10_000;

/**
 * Keeps robots told: renews the leases of streams that should run, and passes on wishes that somebody else changed (the monitor,
 * another gateway).
 */
@Injectable()
export class WishKeeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(WishKeeper.name);
  private readonly told = new Map<string, number>();
  private timer?: NodeJS.Timeout;
  private closed = false;

  constructor(
    private readonly streams: StreamsRepository,
    private readonly orders: StreamOrders,
    private readonly news: StreamNews,
  ) {}

  onApplicationBootstrap(): void {
    this.news.whenWishChanges((robotId, camera) => void this.passOn(robotId, camera));
    this.arm();
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** This process tells the robot of a wish itself. */
  telling({ robotId, camera, version }: Pick<Wish, 'robotId' | 'camera' | 'version'>): void {
    const key = `${robotId}/${camera}`;
    this.told.delete(key);
    this.told.set(key, version);
    if (this.told.size > TOLD_MAX) this.told.delete(this.told.keys().next().value as string);
  }

  private async passOn(robotId: string, camera: string): Promise<void> {
    try {
      const wish = await this.streams.wish(robotId, camera);
      if (!wish || wish.version === 0 || (this.told.get(`${robotId}/${camera}`) ?? 0) >= wish.version) return;
      this.telling(wish);
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
      const wishes = await this.streams.wishesToRenew();
      await Promise.all(wishes.map((wish) => this.orders.keep(wish, { renew: true })));
    } catch (error) {
      this.log.warn({ msg: 'leases not renewed', error: (error as Error).message });
    }
  }
}
