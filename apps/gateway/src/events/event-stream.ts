import type { ServerResponse } from 'node:http';
import type { EventLog } from './event-log';
import { frame, type FleetEvent } from './event.rules';

/** Events that may wait for a client that does not read. */
const QUEUE_MAX = 256;

/** How long a client that was told goodbye may take to hear it, in milliseconds. */
const GOODBYE_MS = 1_000;

/** For how long a client should wait before it comes back, in milliseconds. */
const RETRY_MS = 2_000;

/** `gone`: the caller has no account any more. */
export type Verdict = 'show' | 'hide' | 'gone';

interface Listening {
  response: ServerResponse;
  /** What the client has seen; undefined for one that comes for the first time. */
  lastEventId: string | undefined;
  /** What an event is to the caller, by its account as it is now. */
  judge: (event: FleetEvent) => Promise<Verdict>;
}

/**
 * One client. It holds a place in the log and no events of its own: what a slow client costs is one socket's buffer. A client
 * that does not read while 256 events pass is sent away, and goes on where it was when it comes back.
 */
export class EventStream {
  private next: number;
  private running = false;
  /** What was written last still waits for the client to read. */
  private blocked = false;
  private ended = false;

  constructor(
    private readonly log: EventLog,
    private readonly listening: Listening,
  ) {
    const { lastEventId } = listening;
    const seen = lastEventId === undefined ? log.last : log.resume(lastEventId);
    this.next = (seen ?? log.last) + 1;
    this.write(`retry: ${RETRY_MS}\n\n`);
    if (seen === undefined)
      this.write(frame(log.idOf(log.last), { name: 'reset', data: { reason: 'missed' } }));
    else this.mark();
    this.wake();
  }

  /** There may be something new. */
  wake(): void {
    if (this.blocked && this.log.last - this.next >= QUEUE_MAX) return this.overflow();
    if (!this.running && !this.ended) void this.run();
  }

  /** Shows that the connection lives, and moves the client's place past events that were not for it. */
  beat(): void {
    if (this.blocked || this.ended || this.running) return;
    this.write(': still here\n');
    this.mark();
  }

  /** Ends the answer; the connection goes soon, even when the client does not read. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    const { response } = this.listening;
    response.end();
    const timer = setTimeout(() => response.destroy(), GOODBYE_MS).unref();
    response.once('close', () => clearTimeout(timer));
  }

  private async run(): Promise<void> {
    this.running = true;
    while (!this.ended && this.next <= this.log.last) await this.showNext();
    this.running = false;
  }

  private async showNext(): Promise<void> {
    const event = this.log.at(this.next);
    if (!event) return this.overflow();
    // An account that cannot be read is no account.
    const verdict = await this.listening.judge(event).catch(() => 'gone' as const);
    if (this.ended) return;
    if (verdict === 'gone') return this.end();
    const id = this.log.idOf(this.next);
    this.next += 1;
    if (verdict === 'show' && !this.write(frame(id, event))) await this.drained();
  }

  private mark(): void {
    this.write(`id: ${this.log.idOf(this.next - 1)}\n\n`);
  }

  private write(text: string): boolean {
    return this.listening.response.write(text);
  }

  private async drained(): Promise<void> {
    this.blocked = true;
    const { response } = this.listening;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off('drain', done).off('close', done);
        resolve();
      };
      response.once('drain', done).once('close', done);
      if (response.destroyed) done();
    });
    this.blocked = false;
    if (this.listening.response.destroyed) this.ended = true;
  }

  private overflow(): void {
    if (this.ended) return;
    this.write('event: overflow\ndata: {}\n\n');
    this.end();
  }
}
