/** How long a run that keeps failing is put off at most, in milliseconds. */
const MAX_PAUSE_MS = 10_000;

interface LoopOptions {
  /** One run; resolves with the pause before the next one, in milliseconds. */
  run: () => Promise<number>;
  onError: (error: unknown, failures: number) => void;
  /** Pause after the first failure, in milliseconds; it doubles with each further one. */
  retryMs: number;
}

/** Runs something again and again: never two runs at once, the next one armed when the last has ended. */
export class PollLoop {
  private timer?: NodeJS.Timeout;
  private running?: Promise<void>;
  private wanted = false;
  private closed = false;
  private failures = 0;

  constructor(private readonly options: LoopOptions) {}

  /** Runs now; a call during a run makes the next one follow at once. */
  hurry(): void {
    if (this.closed) return;
    this.wanted = true;
    if (this.running) return;
    clearTimeout(this.timer);
    this.running = this.once().finally(() => (this.running = undefined));
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async once(): Promise<void> {
    this.wanted = false;
    const pauseMs = await this.attempt();
    if (this.closed) return;
    this.timer = setTimeout(() => this.hurry(), this.wanted ? 0 : pauseMs);
  }

  private async attempt(): Promise<number> {
    try {
      const pauseMs = await this.options.run();
      this.failures = 0;
      return pauseMs;
    } catch (error) {
      this.failures += 1;
      this.options.onError(error, this.failures);
      return Math.min(this.options.retryMs * 2 ** (this.failures - 1), MAX_PAUSE_MS);
    }
  }
}
