import { Injectable, Logger } from '@nestjs/common';
import { assertNever } from '@rovercast/contracts';
import type { MediaSnapshot } from '@rovercast/mediamtx';
import { Histogram, Registry } from 'prom-client';
import { MonitorSettings } from '../monitor.settings';
import {
  countAbsences,
  reconcile,
  type Absence,
  type Action,
  type Limits,
  type SeenPath,
} from './reconcile.rules';
import { StreamsRepository } from './streams.repository';

const START_TIMEOUT_MS = 15_000;
const LOST_AFTER_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

/** Holds the streams in Postgres to what the media server shows. */
@Injectable()
export class StreamsService {
  private readonly log = new Logger(StreamsService.name);
  private readonly limits: Limits;
  private readonly timeToLive: Histogram;
  private absences: ReadonlyMap<string, Absence> = new Map();

  constructor(
    private readonly streams: StreamsRepository,
    settings: MonitorSettings,
    registry: Registry,
  ) {
    this.limits = {
      startMs: START_TIMEOUT_MS,
      lostMs: LOST_AFTER_MS,
      stopMs: STOP_TIMEOUT_MS,
      idleMs: settings.idleGraceSeconds * 1000,
    };
    this.timeToLive = new Histogram({
      name: 'time_to_live_seconds',
      help: 'Time from the request of a stream to its path being available',
      buckets: [0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 15],
      registers: [registry],
    });
  }

  /** @returns whether some stream is on its way in or out, so that a look soon is worth it */
  async takeIn(snapshot: MediaSnapshot): Promise<boolean> {
    const { streams, now } = await this.streams.open();
    const seen = new Map<string, SeenPath>(
      snapshot.paths.map(({ name, available, readers }) => [name, { available, viewers: readers.length }]),
    );
    this.absences = countAbsences(this.absences, streams, seen, now);
    for (const action of reconcile(streams, seen, this.absences, this.limits, now))
      await this.perform(action);
    return streams.some(({ state }) => state !== 'live');
  }

  private async perform(action: Action): Promise<void> {
    switch (action.do) {
      case 'mark-live': {
        const startMs = await this.streams.markLive(action.id);
        if (startMs === undefined) return;
        this.timeToLive.observe(startMs / 1000);
        return this.log.log({ msg: 'stream live', streamId: action.id, startMs: Math.round(startMs) });
      }
      case 'mark-idle':
        return this.streams.markIdle(action.id);
      case 'mark-watched':
        return this.streams.markWatched(action.id);
      case 'mark-stopped':
        await this.streams.markStopped(action.id);
        return this.log.log({ msg: 'stream stopped', streamId: action.id });
      case 'close':
        await this.streams.close(action.id, action.cause, { failed: action.failed });
        return this.log.log({ msg: 'stream closed', streamId: action.id, cause: action.cause });
      default:
        return assertNever(action);
    }
  }
}
