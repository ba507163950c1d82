import type { Pool } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { ENTITIES } from './entities';
import { FirstTables1700000000001 } from './migrations/0001-first-tables';
import { Quota1700000000002 } from './migrations/0002-quota';
import { RevocableAccess1700000000003 } from './migrations/0003-revocable-access';
import { OnDemand1700000000004 } from './migrations/0004-on-demand';
import { RobotsInTheField1700000000005 } from './migrations/0005-robots-in-the-field';
import { BrokerVerifier1700000000006 } from './migrations/0006-broker-verifier';

/** In the order in which they run; a bundle has no folder to search. */
export const MIGRATIONS = [
  FirstTables1700000000001,
  Quota1700000000002,
  RevocableAccess1700000000003,
  OnDemand1700000000004,
  RobotsInTheField1700000000005,
  BrokerVerifier1700000000006,
];

/** How long a process waits for another one's migrations, in milliseconds. */
const TURN_WITHIN_MS = 60_000;

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

/**
 * Hears the errors of connections in the moments when neither the pool nor TypeORM listens: one that dies just then would
 * otherwise end the process.
 */
class GuardedDataSource extends DataSource {
  override async initialize(): Promise<this> {
    await super.initialize();
    const { master } = this.driver as unknown as { master: Pool };
    master.on('connect', (client) => client.on('error', () => undefined));
    return this;
  }
}

/** A pool that never waits for ever: pg's own defaults do. Not yet connected. */
export function createDataSource(options: DataSourceOptions): DataSource {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  return new GuardedDataSource({
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

/** Asks again and again instead of waiting in Postgres: there our own lock and statement timeouts would end the wait. */
async function takeTurn(runner: QueryRunner): Promise<void> {
  const giveUpAt = performance.now() + TURN_WITHIN_MS;
  for (;;) {
    const [{ mine }] = (await runner.query('SELECT pg_try_advisory_lock(7246173) AS mine')) as {
      mine: boolean;
    }[];
    if (mine) return;
    if (performance.now() > giveUpAt) throw new Error('another process has been at the tables for too long');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Brings the tables up to date; several processes may try at once, one does it. Returns the names that ran. */
export async function migrate(source: DataSource): Promise<string[]> {
  const runner = source.createQueryRunner();
  try {
    await runner.connect();
    await takeTurn(runner);
    const ran = await source.runMigrations({ transaction: 'each' });
    return ran.map((migration) => migration.name);
  } finally {
    await runner.query('SELECT pg_advisory_unlock(7246173)').catch(() => undefined);
    await runner.release();
  }
}
