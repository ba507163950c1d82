import { createDataSource, migrate } from '@rovercast/database';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';

/** A database of one suite. */
export interface TestDatabase {
  url: string;
  /** Connected. */
  source: DataSource;
  /** Closes the connections and removes the database, whoever still uses it. */
  drop(): Promise<void>;
}

/** One statement as the superuser of the run's Postgres (jest's globalSetup starts it). */
export async function asSuperuser(
  sql: string,
  parameters: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run this suite in a project that starts Postgres');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql, parameters);
    return rows;
  } finally {
    await client.end();
  }
}

/** Makes a database of its own, with the newest tables unless `empty`. */
export async function aDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(`CREATE DATABASE ${name}`);
  const url = new URL(process.env.TEST_DATABASE_URL as string);
  url.pathname = `/${name}`;
  const source = createDataSource({ url: url.toString(), applicationName: 'test', poolSize: 12 });
  await source.initialize();
  if (!empty) await migrate(source);
  return {
    url: url.toString(),
    source,
    drop: async () => {
      if (source.isInitialized) await source.destroy();
      await asSuperuser(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Ends every connection to a database that carries this application name (`auth-listen`); answers how many there were. */
export async function terminateConnections(databaseUrl: string, applicationName?: string): Promise<number> {
  const rows = await asSuperuser(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND pid <> pg_backend_pid() AND ($2::text IS NULL OR application_name = $2)`,
    [new URL(databaseUrl).pathname.slice(1), applicationName ?? null],
  );
  return rows.length;
}
