import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ownerOfPath } from '@rovercast/contracts';
import { randomUUID } from 'node:crypto';
import { Counter, Registry } from 'prom-client';
import { WakePublisher } from './wake.publisher';

/**
 * Reads of one path within this time ring once, and once more at its end for those that came later, in milliseconds. The second ring
 * is not the begin of another quiet time: nearly every RTSP reader asks twice, and the next one should not wait for that.
 */
export const QUIET_MS = 5_000;

/** Paths in their quiet time at once; more are not rung for. */
export const QUIET_PATHS_MAX = 10_000;

/** Rings on their way to Postgres at once; when it does not answer, more are dropped. */
export const IN_FLIGHT_MAX = 16;

/** What the door let in. */
interface Read {
  action: string;
  path: string;
  /** The media server's session or connection; null for a page of HLS or WebRTC, which shows no picture. */
  id: string | null;
}

interface Quiet {
  timer: NodeJS.Timeout;
  /** The last read that was not rung for yet, by `performance.now()`. */
  later?: { reader: string; at: number };
}

/**
 * Rings for robots whose paths are opened. The door's answer never waits for it: a ring that Postgres does not take is dropped,
 * and the player's next attempt rings again.
 */
@Injectable()
export class WakeService implements OnApplicationShutdown {
  private readonly log = new Logger('Wake');
  private readonly quiet = new Map<string, Quiet>();
  private readonly rings: Counter;
  private inFlight = 0;
  private failing = false;

  constructor(
    private readonly publisher: WakePublisher,
    registry: Registry,
  ) {
    this.rings = new Counter({
      name: 'wake_rings_total',
      help: 'Rings for robots whose path somebody opened, by what became of them',
      labelNames: ['result'],
      registers: [registry],
    });
  }

  onApplicationShutdown(): void {
    for (const { timer } of this.quiet.values()) clearTimeout(timer);
    this.quiet.clear();
  }

  /** Somebody was let in; who reads a robot's path wakes it. Returns at once, whatever happens, and never throws. */
  ring({ action, path, id }: Read, reader: string): void {
    if (action !== 'read' || id === null || !ownerOfPath(path)) return;
    const quiet = this.quiet.get(path);
    if (quiet) {
      quiet.later = { reader, at: performance.now() };
      return;
    }
    if (this.quiet.size >= QUIET_PATHS_MAX) return this.rings.inc({ result: 'dropped' });
    this.beQuiet(path);
    this.send(path, reader, 0);
  }

  private beQuiet(path: string): void {
    const timer = setTimeout(() => this.quietIsOver(path), QUIET_MS);
    timer.unref();
    this.quiet.set(path, { timer });
  }

  private quietIsOver(path: string): void {
    const later = this.quiet.get(path)?.later;
    this.quiet.delete(path);
    if (!later) return;
    this.send(path, later.reader, Math.round(performance.now() - later.at));
  }

  private send(path: string, reader: string, ageMs: number): void {
    if (this.inFlight >= IN_FLIGHT_MAX) return this.rings.inc({ result: 'dropped' });
    this.inFlight += 1;
    this.publisher
      .publish({ id: randomUUID(), path, reader, ageMs })
      .then(
        () => this.sent(path, reader),
        (error: unknown) => this.failed(error as Error),
      )
      .finally(() => (this.inFlight -= 1));
  }

  private sent(path: string, reader: string): void {
    this.failing = false;
    this.rings.inc({ result: 'sent' });
    this.log.debug({ msg: 'rang', path, who: reader });
  }

  private failed(error: Error): void {
    this.rings.inc({ result: 'dropped' });
    if (!this.failing) this.log.warn({ msg: 'sleeping robots cannot be woken now', error: error.message });
    this.failing = true;
  }
}
