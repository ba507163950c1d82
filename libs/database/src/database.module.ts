import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { DataSource } from 'typeorm';
import { createDataSource, migrate } from './data-source';

interface DatabaseModuleOptions {
  url: string;
  applicationName: string;
  poolSize?: number;
  statementTimeoutMs?: number;
  /** Bring the tables up to date before the app is there. */
  migrateOnStart?: boolean;
  /** Keep trying this long when the database is not there yet, in milliseconds. */
  connectWithinMs?: number;
}

function unreachable(error: unknown): DomainError {
  const { code, message } = error as { code?: string; message: string };
  return new DomainError(
    'DATABASE_UNREACHABLE',
    `the database of DATABASE_URL cannot be reached (${code ?? message})`,
    {
      cause: error,
    },
  );
}

async function connect(options: DatabaseModuleOptions): Promise<DataSource> {
  const source = createDataSource(options);
  const giveUpAt = Date.now() + (options.connectWithinMs ?? 30_000);
  for (;;) {
    try {
      await source.initialize();
      break;
    } catch (error) {
      if (Date.now() >= giveUpAt) throw unreachable(error);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  if (options.migrateOnStart) await migrate(source);
  return source;
}

/** Offers a connected TypeORM DataSource to an app, and closes it with the app. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(DataSource) private readonly source: DataSource) {}

  static with(options: DatabaseModuleOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: DataSource, useFactory: () => connect(options) }],
      exports: [DataSource],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.source.isInitialized) await this.source.destroy();
  }
}
