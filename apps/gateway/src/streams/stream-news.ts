import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PostgresListener, type StreamState } from '@rovercast/database';
import { EventEmitter, once } from 'node:events';
import { GatewaySettings } from '../gateway.settings';
import type { Stream } from './streams.repository';
import { StreamsRepository } from './streams.repository';

const SETTLED: ReadonlySet<StreamState> = new Set(['live', 'stopping', 'stopped', 'failed']);

/** A wish that somebody changed. */
export interface WishChange {
  robotId: string;
  camera: string;
  requestId: string;
}

/** Hears from Postgres when a stream or a wish changes, whoever changed it. */
@Injectable()
export class StreamNews implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(StreamNews.name);
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly listener: PostgresListener;
  private onWish: (change: WishChange) => void = () => undefined;

  constructor(
    settings: GatewaySettings,
    private readonly streams: StreamsRepository,
  ) {
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'gateway',
      channels: ['stream_changed', 'wish_changed'],
      onNotify: (channel, payload) => this.heard(channel, payload),
      onConnect: () => this.changes.emit('reconnected'),
      onError: (error) => this.log.warn({ msg: 'news listener lost its connection', error: error.message }),
    });
  }

  onApplicationBootstrap(): void {
    this.listener.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.listener.close();
  }

  /** Who is told of changed wishes. */
  whenWishChanges(onWish: (change: WishChange) => void): void {
    this.onWish = onWish;
  }

  /** The stream once it is live or has left service, or as it is when the time is up. */
  async settled(id: string, timeoutMs: number): Promise<Stream | undefined> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const change = Promise.race([
        once(this.changes, id, { signal }),
        once(this.changes, 'reconnected', { signal }),
      ]);
      change.catch(() => undefined);
      const stream = await this.streams.find(id);
      if (!stream || SETTLED.has(stream.state)) return stream;
      try {
        await change;
      } catch {
        return stream;
      }
    }
  }

  private heard(channel: string, payload: string): void {
    const [first, camera, requestId] = payload.split(' ');
    if (channel === 'stream_changed') this.changes.emit(first);
    else this.onWish({ robotId: first, camera, requestId });
  }
}
