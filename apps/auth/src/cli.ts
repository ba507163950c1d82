import { deriveKeys, PasswordPool } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { createDataSource } from '@rovercast/database';
import { Robots, Users } from '@rovercast/directory';
import { parseSettings, scrub, SettingsError } from '@rovercast/platform';
import { text } from 'node:stream/consumers';
import { runCommand } from './cli/commands';
import { CliSettings } from './cli/cli.settings';

/* eslint-disable no-console -- a command line talks to people */

async function main(): Promise<void> {
  const settings = parseSettings(CliSettings, process.env);
  const passwords = new PasswordPool(1);
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.abort());
  const database = createDataSource({ url: settings.databaseUrl, applicationName: 'cli', poolSize: 2 });
  try {
    await database.initialize();
    await runCommand(process.argv.slice(2), {
      database,
      users: new Users(database, passwords),
      robots: new Robots(database, deriveKeys(settings.authSecret)),
      readInput: async () => (await text(process.stdin)).trim(),
      print: (line) => console.log(line),
      broker: { databaseUrl: settings.databaseUrl, accounts: settings.brokerAccounts, until: stopped.signal },
    });
  } finally {
    await passwords.close();
    if (database.isInitialized) await database.destroy();
  }
}

main().catch((error: unknown) => {
  const known = error instanceof DomainError || error instanceof SettingsError;
  console.error(
    known ? (error as Error).message : `rovercast: ${scrub(String((error as Error).message ?? error))}`,
  );
  process.exitCode = 1;
});
