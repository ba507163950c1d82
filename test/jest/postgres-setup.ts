import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type RunningPostgres } from '../../scripts/stack/postgres';

const PREFIX = 'rovercast-jest-';

/** What the teardown of the same jest run needs. */
export const testPostgres: { server?: RunningPostgres; folder?: string } = ((
  globalThis as { rovercastTestPostgres?: object }
).rovercastTestPostgres ??= {});

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs that were killed could not clean up; their servers went with them. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (!pid || isRunning(Number(pid))) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // somebody else's
    }
  }
}

/** One real Postgres for a jest run; suites find its superuser URL in TEST_DATABASE_URL and make databases of their own. */
export default async function setUp(): Promise<void> {
  removeLeftovers();
  testPostgres.folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  testPostgres.server = await startPostgres({
    dataDir: join(testPostgres.folder, 'data'),
    port: await freePort(),
    password: randomBytes(18).toString('base64url'),
    logFile: join(testPostgres.folder, 'postgres.log'),
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  process.env.TEST_DATABASE_URL = testPostgres.server.url();
}
