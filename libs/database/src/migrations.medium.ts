import { Client } from 'pg';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { until } from '../../../test/support/until';
import { createDataSource, migrate, MIGRATIONS } from './data-source';

describe('the migrations', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await aDatabase({ empty: true });
  });
  afterAll(() => database.drop());

  const tables = async (): Promise<string[]> => {
    const rows = await database.source.query<{ name: string }[]>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations'
       UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
    );
    return rows.map(({ name }) => name).sort();
  };

  it('go up, down to nothing, and up again', async () => {
    expect(await migrate(database.source)).toHaveLength(MIGRATIONS.length);
    const there = await tables();
    expect(there).toEqual(
      expect.arrayContaining(['users', 'grants', 'robots', 'streams', 'open_stream', 'close_stream']),
    );
    for (const _ of MIGRATIONS) await database.source.undoLastMigration();
    expect(await tables()).toEqual([]);
    expect(await migrate(database.source)).toHaveLength(MIGRATIONS.length);
    expect(await tables()).toEqual(there);
  });

  it('have nothing to do the second time', async () => {
    expect(await migrate(database.source)).toEqual([]);
  });

  it('leave tables that differ in nothing from the entities', async () => {
    await migrate(database.source);
    const { upQueries } = await database.source.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('wait for another process longer than a lock may take', async () => {
    const fresh = await aDatabase({ empty: true });
    const holder = new Client({ connectionString: fresh.url });
    try {
      await holder.connect();
      await holder.query('SELECT pg_advisory_lock(7246173)');
      const startedAt = performance.now();
      const waiting = migrate(fresh.source);
      await Promise.race([waiting, until(() => performance.now() - startedAt > 2_300)]);
      await holder.query('SELECT pg_advisory_unlock(7246173)');
      expect(await waiting).toHaveLength(MIGRATIONS.length);
    } finally {
      await holder.end();
      await fresh.drop();
    }
  });

  it('run once when five processes start at a time', async () => {
    const fresh = await aDatabase({ empty: true });
    const sources = Array.from({ length: 5 }, () =>
      createDataSource({ url: fresh.url, applicationName: 'test', poolSize: 2 }),
    );
    try {
      await Promise.all(sources.map((source) => source.initialize()));
      const ran = await Promise.all(sources.map((source) => migrate(source)));
      expect(ran.flat()).toHaveLength(MIGRATIONS.length);
    } finally {
      await Promise.all(sources.map((source) => source.destroy()));
      await fresh.drop();
    }
  });
});
