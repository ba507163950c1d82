import { deriveKeys, PasswordPool } from '@rovercast/access';
import { createDataSource, migrate } from '@rovercast/database';
import { Robots, Users } from '@rovercast/directory';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { aDatabase, type TestDatabase } from '../support/database';
import { has } from './processes';

const withTools = has('pg_dump') && has('pg_restore') ? describe : describe.skip;

/** Every table with its rows, as text that is the same for the same content. */
async function contentOf({ source }: TestDatabase): Promise<Record<string, string>> {
  const tables = await source.query<{ name: string }[]>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const entries = tables.map(async ({ name }) => {
    const rows = await source.query<{ row: string }[]>(`SELECT t::text AS row FROM "${name}" t ORDER BY 1`);
    return [name, rows.map(({ row }) => row).join('\n')];
  });
  return Object.fromEntries(await Promise.all(entries));
}

withTools('backup and restore, as docs/operations.md says', () => {
  const passwords = new PasswordPool(1);
  let folder: string;
  let original: TestDatabase;
  let restored: TestDatabase;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-backup-'));
    original = await aDatabase();
    restored = await aDatabase({ empty: true });
    const users = new Users(original.source, passwords);
    await users.create({ username: 'ada', password: 'a long enough password', role: 'admin' }, 'test');
    await users.create({ username: 'eve', password: 'a long enough password', role: 'viewer' }, 'test');
    await users.grant('eve', { action: 'read', pattern: 'robots/r1/**' }, 'test');
    await new Robots(original.source, deriveKeys('k'.repeat(32))).create(
      { id: 'r1', cameras: ['main', 'rear'] },
      'test',
    );
  });
  afterAll(async () => {
    await passwords.close();
    await original?.drop();
    await restored?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (command: string, args: string[]): void => {
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    expect({ command, status, said: status === 0 ? '' : stderr }).toEqual({ command, status: 0, said: '' });
  };
  const dump = (): string => join(folder, 'rovercast.dump');

  it('brings every row of every table into an empty database', async () => {
    run('pg_dump', ['--format=custom', '--no-owner', '--no-privileges', `--file=${dump()}`, original.url]);
    run('pg_restore', [
      '--exit-on-error',
      '--single-transaction',
      '--no-owner',
      '--no-privileges',
      `--dbname=${restored.url}`,
      dump(),
    ]);
    const content = await contentOf(restored);
    expect(content).toEqual(await contentOf(original));
    expect(content.users.split('\n')).toHaveLength(2);
    expect(content.audit_events).toContain('robot.create');
  });

  it('leaves a database that needs no migration and takes new rows', async () => {
    const source = createDataSource({ url: restored.url, applicationName: 'test' });
    await source.initialize();
    try {
      expect(await migrate(source)).toEqual([]);
      await new Robots(source, deriveKeys('k'.repeat(32))).create({ id: 'r2' }, 'test');
    } finally {
      await source.destroy();
    }
  });

  it('is what the page says', () => {
    const page = readFileSync(resolve(__dirname, '../../docs/operations.md'), 'utf8');
    expect(page).toContain('pg_dump --format=custom --no-owner --no-privileges');
    expect(page).toContain('pg_restore --exit-on-error --single-transaction --no-owner --no-privileges');
  });
});
