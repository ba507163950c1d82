import { DataSource } from 'typeorm';
import { ENTITIES } from './entities';
import { FirstTables1700000000001 } from './migrations/0001-first-tables';
import { Quota1700000000002 } from './migrations/0002-quota';
import { RevocableAccess1700000000003 } from './migrations/0003-revocable-access';

/** In the order in which they run; a bundle has no folder to search. */
export const MIGRATIONS = [FirstTables1700000000001, Quota1700000000002, RevocableAccess1700000000003];

interface DataSourceOptions {
  /** `postgres://user:pass@host:port/name` */
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Connections at most. */
  poolSize?: number;
  /** Longest time that a statement may run, in milliseconds. */
  statementTimeoutMs?: number;
}

/** A pool that never waits for ever: pg's own defaults do. Not yet connected. */
export function createDataSource(options: DataSourceOptions): DataSource {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  return new DataSource({
    type: 'postgres',
    url: options.url,
    applicationName: options.applicationName,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'each',
    synchronize: false,
    logging: false,
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    poolSize: options.poolSize ?? 10,
    connectTimeoutMS: 2_000,
    extra: {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 1_000,
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 5_000,
      keepAlive: true,
    },
  });
}

/** Brings the tables up to date; several processes may try at once, one does it. Returns the names that ran. */
export async function migrate(source: DataSource): Promise<string[]> {
  const runner = source.createQueryRunner();
  try {
    await runner.connect();
    await runner.query('SELECT pg_advisory_lock(7246173)');
    const ran = await source.runMigrations({ transaction: 'each' });
    return ran.map((migration) => migration.name);
  } finally {
    await runner.query('SELECT pg_advisory_unlock(7246173)').catch(() => undefined);
    await runner.release();
  }
}
