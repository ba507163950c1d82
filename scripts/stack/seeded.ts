import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is known to be in a database, so that a start need not find out again. */
export interface Seeded {
  /** Which database; never its password. */
  database: string;
  /** Which build of auth has migrated it. */
  build: string;
}

const fileIn = (dataDir: string): string => join(dataDir, 'seeded');

/** @param databaseUrl undefined for the embedded one, whose port may move */
export function seededBy(authScript: string, databaseUrl: string | undefined): Seeded {
  return {
    database: databaseUrl ? createHash('sha256').update(databaseUrl).digest('hex') : 'embedded',
    build: String(statSync(authScript, { throwIfNoEntry: false })?.mtimeMs),
  };
}

/** Compares with the last run on this data folder: whose accounts are missing, whose tables may be old. */
export function compareSeeded(dataDir: string, now: Seeded): { needsAccounts: boolean; isMigrated: boolean } {
  let before: Partial<Seeded> = {};
  try {
    before = JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as Partial<Seeded>;
  } catch {
    // the first run
  }
  const isSame = before.database === now.database;
  return { needsAccounts: !isSame, isMigrated: isSame && before.build === now.build };
}

export function rememberSeeded(dataDir: string, now: Seeded): void {
  writeFileSync(fileIn(dataDir), `${JSON.stringify(now)}\n`);
}
