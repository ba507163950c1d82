import { randomBytes } from 'node:crypto';
import { numberOf, type FleetEvent } from './event.rules';

/** Events that are kept for who comes back. */
const KEPT = 1_000;

/** The last thousand events, numbered within one life of this process. */
export class EventLog {
  private readonly ring: FleetEvent[] = [];
  private count = 0;

  /** @param boot tells the ids of this process from those of others */
  constructor(
    private readonly boot = randomBytes(4).toString('hex'),
    private readonly kept = KEPT,
  ) {}

  /** Number of the newest event; 0 before the first. */
  get last(): number {
    return this.count;
  }

  append(event: FleetEvent): void {
    this.count += 1;
    this.ring[this.count % this.kept] = event;
  }

  /** The event with a number; undefined when it is not there yet or any more. */
  at(number: number): FleetEvent | undefined {
    return number > this.count - this.kept && number <= this.count && number > 0
      ? this.ring[number % this.kept]
      : undefined;
  }

  idOf(number: number): string {
    return `${this.boot}-${number}`;
  }

  /** The number after which to go on for who has seen `id`; undefined when events in between are gone. */
  resume(id: string): number | undefined {
    const seen = numberOf(id, this.boot);
    return seen !== undefined && seen <= this.count && seen >= this.count - this.kept ? seen : undefined;
  }
}
