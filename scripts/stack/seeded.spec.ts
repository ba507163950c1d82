import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareSeeded, rememberSeeded, seededBy } from './seeded';

describe('what a database is known to hold', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'rovercast-seeded-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['nothing yet', undefined, { needsAccounts: true, isMigrated: false }],
    [
      'this database by this build',
      { database: 'd', build: '1' },
      { needsAccounts: false, isMigrated: true },
    ],
    [
      'this database by another build',
      { database: 'd', build: '0' },
      { needsAccounts: false, isMigrated: false },
    ],
    ['another database', { database: 'x', build: '1' }, { needsAccounts: true, isMigrated: false }],
  ])('%s', (_, before, expected) => {
    if (before) rememberSeeded(folder, before);
    expect(compareSeeded(folder, { database: 'd', build: '1' })).toEqual(expected);
  });

  it('is nothing when the note is damaged', () => {
    writeFileSync(join(folder, 'seeded'), '{');
    expect(compareSeeded(folder, { database: 'd', build: '1' }).needsAccounts).toBe(true);
  });

  it('never notes a password', () => {
    expect(JSON.stringify(seededBy('/nowhere', 'postgres://u:geheim@h/d'))).not.toContain('geheim');
  });
});
