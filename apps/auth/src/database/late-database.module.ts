import { Inject, Logger, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { createDataSource, migrate } from '@rovercast/database';
import { Client } from 'pg';
import { DataSource } from 'typeorm';

/** How long Postgres may take to show that it is there, in milliseconds. */
const SIGN_OF_LIFE_WITHIN_MS = 1_000;
const RETRY_MS = 250;

interface LateDatabaseOptions {
  url: string;
  applicationName: string;
  poolSize: number;
  statementTimeoutMs: number;
  /** Bring the tables up to date as soon as Postgres is there. */
  migrateOnStart: boolean;
}

/** Connects a pool now if Postgres is there, and else as soon as it is. */
class LateConnection {
  private readonly log = new Logger('Database');
  readonly source: DataSource;
  private timer?: NodeJS.Timeout;
  private attempt?: Promise<void>;
  private closed = false;

  constructor(private readonly options: LateDatabaseOptions) {
    this.source = createDataSource(options);
  }

  /** @throws what the migrations threw */
  async start(): Promise<void> {
    const problem = await this.problem();
    if (!problem) return this.connect();
    this.log.warn({ msg: 'Postgres is not there yet', error: problem.message });
    this.arm();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.attempt;
    if (this.source.isInitialized) await this.source.destroy();
  }

  private arm(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.attempt = this.again();
    }, RETRY_MS);
  }

  private async again(): Promise<void> {
    if (await this.problem()) return this.arm();
    try {
      await this.connect();
      this.log.log({ msg: 'Postgres is there' });
    } catch (error) {
      if (!(await this.problem()))
        this.log.error({ msg: 'Postgres is there and cannot be used', error: (error as Error).message });
      this.arm();
    }
  }

  private async connect(): Promise<void> {
    if (!this.source.isInitialized) await this.source.initialize();
    if (this.options.migrateOnStart) await migrate(this.source);
  }

  /** A connection of its own: the pool waits longer for one that says nothing. */
  private async problem(): Promise<Error | undefined> {
    const client = new Client({
      connectionString: this.options.url,
      application_name: this.options.applicationName,
      connectionTimeoutMillis: SIGN_OF_LIFE_WITHIN_MS,
      query_timeout: SIGN_OF_LIFE_WITHIN_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      return undefined;
    } catch (error) {
      return error as Error;
    } finally {
      void client.end().catch(() => undefined);
    }
  }
}

/** Offers a TypeORM DataSource to an app that must come up without Postgres: until it is connected, its queries fail. */
@Module({})
export class LateDatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(LateConnection) private readonly connection: LateConnection) {}

  static with(options: LateDatabaseOptions): DynamicModule {
    return {
      module: LateDatabaseModule,
      global: true,
      providers: [
        {
          provide: LateConnection,
          useFactory: async () => {
            const connection = new LateConnection(options);
            await connection.start();
            return connection;
          },
        },
        {
          provide: DataSource,
          inject: [LateConnection],
          useFactory: ({ source }: LateConnection) => source,
        },
      ],
      exports: [DataSource],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}
