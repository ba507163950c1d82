import { Injectable } from '@nestjs/common';
import type { TelemetryEvent } from '@rovercast/contracts';
import { LRUCache } from 'lru-cache';
import type { TelemetrySample } from './telemetry.dto';

/** Samples of one robot, and robots, that are remembered: 60 minutes at one sample in 30 s. */
const SAMPLES_MAX = 120;
const ROBOTS_MAX = 2_000;

/** What robots last said about themselves, in memory: the newest of the most recently heard robots. */
@Injectable()
export class TelemetryStore {
  private readonly byRobot = new LRUCache<string, TelemetrySample[]>({ max: ROBOTS_MAX });

  heard(robotId: string, event: TelemetryEvent, receivedAt: Date): void {
    const samples = this.byRobot.get(robotId) ?? [];
    samples.push({ ...event, receivedAt: receivedAt.toISOString() });
    if (samples.length > SAMPLES_MAX) samples.shift();
    this.byRobot.set(robotId, samples);
  }

  /** Oldest first. */
  of(robotId: string): TelemetrySample[] {
    return this.byRobot.peek(robotId) ?? [];
  }
}
