import type { EndpointRef, OnDemandSource, PullTarget } from '../hub/media-path';
import { RtspClient } from './rtsp.client';

const RETRY_AFTER_MS = 5_000;

/** Pulls a path's source while it is wanted, and tries again when that fails. */
export class RtspPull implements OnDemandSource {
  readonly ref: EndpointRef = { type: 'rtspSource', id: '' };
  private client: RtspClient | undefined;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: string,
    private readonly timeoutMs: number,
    private readonly target: PullTarget,
  ) {}

  start(): void {
    const client = new RtspClient(this.source, this.timeoutMs, () => this.lost(client));
    this.client = client;
    client.play().then(
      (stream) => {
        if (stream && this.client === client) this.target.publish(this, stream);
        else client.close();
      },
      () => client.close(),
    );
  }

  stop(): void {
    clearTimeout(this.retry);
    const { client } = this;
    this.client = undefined;
    client?.close();
  }

  close(): void {
    this.stop();
  }

  private lost(client: RtspClient): void {
    if (this.client !== client) return;
    this.client = undefined;
    this.retry = setTimeout(() => this.start(), RETRY_AFTER_MS);
    this.target.unpublish(this);
  }
}
