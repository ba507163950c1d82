import { Client } from 'pg';

interface ListenerOptions {
  url: string;
  applicationName: string;
  channels: string[];
  onNotify: (channel: string, payload: string) => void;
  /** Called after each (re)connection: what was announced in between is lost, so look again. */
  onConnect?: () => void;
  onError?: (error: Error) => void;
  /** Pause between attempts, in milliseconds. */
  retryMs?: number;
}

/** A connection of its own that LISTENs and comes back by itself. */
export class PostgresListener {
  private client?: Client;
  private retry?: NodeJS.Timeout;
  private closed = false;

  constructor(private readonly options: ListenerOptions) {}

  start(): void {
    void this.connect();
  }

  get connected(): boolean {
    return this.client !== undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    const client = this.client;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.options.url,
      application_name: `${this.options.applicationName}-listen`,
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
    });
    let lost = false;
    const lose = (error: Error): void => {
      if (lost) return;
      lost = true;
      if (this.client === client) this.client = undefined;
      void client.end().catch(() => undefined);
      if (this.closed) return;
      this.options.onError?.(error);
      this.retry = setTimeout(() => void this.connect(), this.options.retryMs ?? 500);
    };
    client.on('error', lose);
    client.on('end', () => lose(new Error('the connection ended')));
    client.on('notification', ({ channel, payload }) => this.options.onNotify(channel, payload ?? ''));
    try {
      await client.connect();
      for (const channel of this.options.channels)
        await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
      if (this.closed) return void client.end().catch(() => undefined);
      this.client = client;
      this.options.onConnect?.();
    } catch (error) {
      lose(error as Error);
    }
  }
}
