import { rmSync } from 'node:fs';
import { testPostgres } from './postgres-setup';

export default async function tearDown(): Promise<void> {
  await testPostgres.server?.stop();
  if (testPostgres.folder) rmSync(testPostgres.folder, { recursive: true, force: true });
}
