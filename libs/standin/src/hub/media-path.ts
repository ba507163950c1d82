import { NoStreamError, PathRefusedError } from '../auth/access.errors';
import type { MediaStream } from './media-stream';
import type { PathConfig } from './path-config';

/** How the API names a source or a reader. */
export interface EndpointRef {
  type: string;
  id: string;
}

/** Somebody on a path, whom the path closes when there is nothing left to do there. */
export interface PathMember {
  ref: EndpointRef;
  /** Not listed by the API: the HLS muxer. */
  hidden?: boolean;
  close(reason: string): void;
}

/** A source that is started by the first reader and stopped after the last one. */
export interface OnDemandSource extends PathMember {
  start(): void;
  stop(): void;
}

/** Where a pull delivers. */
export interface PullTarget {
  publish(source: PathMember, stream: MediaStream): void;
  unpublish(source: PathMember): void;
}

interface Held {
  release(stream: MediaStream): void;
  refuse(error: Error): void;
}

/** One path: who publishes, who reads, who waits for a publisher. */
export class MediaPath {
  stream: MediaStream | undefined;
  source: PathMember | undefined;
  availableAt: Date | undefined;
  /** When media last began to flow. */
  onlineAt: Date | undefined;
  readonly readers = new Set<PathMember>();
  private held: Held[] = [];
  private startTimer: NodeJS.Timeout | undefined;
  private closeTimer: NodeJS.Timeout | undefined;
  private pull: OnDemandSource | undefined;
  private pullRuns = false;

  constructor(
    readonly name: string,
    public config: PathConfig,
  ) {}

  /** Makes this a path that pulls its source. */
  usePull(pull: OnDemandSource): void {
    this.pull = pull;
    if (!this.config.sourceOnDemand) this.startPull();
  }

  get pulls(): boolean {
    return this.pull !== undefined;
  }

  get pullRef(): EndpointRef | undefined {
    return this.pull?.ref;
  }

  get idle(): boolean {
    return !this.source && !this.pull && this.readers.size === 0 && this.held.length === 0;
  }

  /** A publisher takes the path over; whoever was there before is closed with all readers. */
  publish(source: PathMember, stream: MediaStream): void {
    const before = this.source;
    const leaving = before ? [...this.readers] : [];
    if (before) this.readers.clear();
    // The newcomer is in place before anybody is closed, so that the path never looks idle in between.
    this.source = source;
    this.stream = stream;
    this.availableAt = new Date();
    this.onlineAt = this.availableAt;
    for (const reader of leaving) reader.close('the publisher left');
    if (before !== this.pull) before?.close('another publisher took over');
    this.clearStartTimer();
    const waiting = this.held;
    this.held = [];
    for (const one of waiting) one.release(stream);
    this.pullClosesWhenUnused();
  }

  /** The publisher left: its readers go with it. */
  unpublish(source: PathMember): void {
    if (this.source !== source) return;
    this.source = undefined;
    this.stream = undefined;
    this.availableAt = undefined;
    const leaving = [...this.readers];
    this.readers.clear();
    for (const reader of leaving) reader.close('the publisher left');
    if (source === this.pull && this.config.sourceOnDemand) this.stopPull();
  }

  /** The stream, now or as soon as somebody publishes, if this path waits for publishers at all. */
  awaitStream(signal?: AbortSignal): Promise<MediaStream> {
    if (signal?.aborted) return Promise.reject(new PathRefusedError('terminated'));
    if (this.stream) return Promise.resolve(this.stream);
    if (!this.config.holdsReaders && !this.pull) return Promise.reject(new NoStreamError(this.name));
    this.startPull();
    this.startTimer ??= setTimeout(() => this.startTimedOut(), this.config.startTimeoutMs);
    return new Promise((resolve, reject) => {
      const held: Held = { release: resolve, refuse: reject };
      this.held.push(held);
      signal?.addEventListener('abort', () => {
        this.held = this.held.filter((one) => one !== held);
        reject(new PathRefusedError('terminated'));
      });
    });
  }

  addReader(reader: PathMember): void {
    this.readers.add(reader);
    if (this.closeTimer) clearTimeout(this.closeTimer);
    this.closeTimer = undefined;
  }

  removeReader(reader: PathMember): void {
    if (this.readers.delete(reader)) this.pullClosesWhenUnused();
  }

  /** Sends everybody away. */
  close(reason: string): void {
    this.refuseHeld(new PathRefusedError('terminated'));
    if (this.source) this.drop(this.source, reason);
    this.stopPull();
  }

  private drop(source: PathMember, reason: string): void {
    this.unpublish(source);
    if (source !== this.pull) source.close(reason);
  }

  private startTimedOut(): void {
    this.refuseHeld(new PathRefusedError(`source of path '${this.name}' has timed out`));
    this.stopPull();
  }

  private refuseHeld(error: Error): void {
    this.clearStartTimer();
    const waiting = this.held;
    this.held = [];
    for (const one of waiting) one.refuse(error);
  }

  private clearStartTimer(): void {
    if (this.startTimer) clearTimeout(this.startTimer);
    this.startTimer = undefined;
  }

  private startPull(): void {
    if (!this.pull || this.pullRuns) return;
    this.pullRuns = true;
    this.pull.start();
  }

  private stopPull(): void {
    if (this.closeTimer) clearTimeout(this.closeTimer);
    this.closeTimer = undefined;
    if (!this.pull || !this.pullRuns) return;
    this.pullRuns = false;
    if (this.source === this.pull) this.unpublish(this.pull);
    this.pull.stop();
  }

  private pullClosesWhenUnused(): void {
    if (!this.pull || !this.config.sourceOnDemand || this.readers.size > 0 || !this.pullRuns) return;
    if (this.closeTimer) clearTimeout(this.closeTimer);
    this.closeTimer = setTimeout(() => this.stopPull(), this.config.closeAfterMs);
  }
}
