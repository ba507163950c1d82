import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Admission, Admitted, Question } from './admission';
import { AdmissionQueue } from './admission-queue';
import { admissionOf } from './admission.rules';
import { AdmissionsRepository } from './admissions.repository';

/** An admission waits this long for company, in milliseconds: the monitor wants it before the session moves media. */
const GATHER_MS = 50;
const BATCH_SIZE = 200;
/** What a long outage of Postgres may pile up. */
const QUEUE_SIZE = 20_000;
const MAX_RETRY_MS = 5_000;
/** How long a shutdown waits for the last ones, in milliseconds. */
const LAST_FLUSH_MS = 2_000;

/** Remembers who was let in, for those who must find their sessions later. Never makes the door wait. */
@Injectable()
export class AdmissionsService implements OnApplicationShutdown {
  private readonly log = new Logger('Admissions');
  private readonly queue = new AdmissionQueue(QUEUE_SIZE);
  private timer?: NodeJS.Timeout;
  private writing?: Promise<void>;
  private failures = 0;
  private refused = 0;
  private closed = false;

  constructor(
    private readonly repository: AdmissionsRepository,
    registry: Registry,
  ) {
    const lost = (): number => this.queue.dropped + this.refused;
    const waiting = (): number => this.queue.size;
    new Counter({
      name: 'admissions_dropped_total',
      help: 'Admissions that were never written: the queue was full, or Postgres would not have them',
      registers: [registry],
      collect() {
        this.reset();
        this.inc(lost());
      },
    });
    new Gauge({
      name: 'admissions_waiting',
      help: 'Admissions that wait to be written',
      registers: [registry],
      collect() {
        this.set(waiting());
      },
    });
  }

  /** Takes note; written within 50 ms while Postgres is there. */
  record(question: Question, admitted: Admitted): void {
    const admission = admissionOf(question, admitted, Date.now());
    if (!admission) return;
    this.queue.add(admission);
    if (this.failures > 0 || this.writing) return;
    if (this.queue.size >= BATCH_SIZE) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.writing;
    const giveUpAt = performance.now() + LAST_FLUSH_MS;
    while (this.queue.size > 0 && performance.now() < giveUpAt) {
      if (!(await this.writeBatch())) break;
    }
    if (this.queue.size > 0) this.log.error({ msg: 'admissions lost at shutdown', count: this.queue.size });
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writeAll().finally(() => {
      this.writing = undefined;
      if (this.queue.size > 0) this.arm();
    });
  }

  private arm(): void {
    if (this.closed) return;
    const pauseMs = this.failures > 0 ? GATHER_MS * 2 ** this.failures : GATHER_MS;
    this.timer = setTimeout(() => this.flush(), Math.min(pauseMs, MAX_RETRY_MS));
  }

  private async writeAll(): Promise<void> {
    while (this.queue.size > 0 && !this.closed) {
      if (!(await this.writeBatch())) return;
    }
  }

  /** @returns whether to go on */
  private async writeBatch(): Promise<boolean> {
    const batch = this.queue.peek(BATCH_SIZE);
    try {
      await this.write(batch);
    } catch (error) {
      return this.failed(error as Error);
    }
    this.failures = 0;
    this.queue.done(batch);
    return true;
  }

  /** One that Postgres refuses must not hold up the others. */
  private async write(batch: Admission[]): Promise<void> {
    try {
      await this.repository.write(batch);
    } catch (error) {
      if (!isAboutTheData(error)) throw error;
      if (batch.length === 1) return this.refuse(batch[0], error as Error);
      for (const admission of batch) await this.write([admission]);
    }
  }

  private refuse({ sessionId }: Admission, error: Error): void {
    this.refused += 1;
    this.log.error({ msg: 'admission refused', sessionId, error: error.message });
  }

  private failed(error: Error): false {
    this.failures += 1;
    const line = { msg: 'admissions wait', waiting: this.queue.size, error: error.message };
    if (this.failures === 1) this.log.warn(line);
    else this.log.debug(line);
    return false;
  }
}

/** Postgres' classes 22 (data exception) and 23 (integrity violation): no retry will help. */
function isAboutTheData(error: unknown): boolean {
  const { driverError } = error as { driverError?: { code?: unknown } };
  return typeof driverError?.code === 'string' && /^2[23]/.test(driverError.code);
}
