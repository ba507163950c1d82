import 'reflect-metadata';
import { parseSettings, runProcess } from '@rovercast/platform';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { createRelayApp } from './relay/relay-app';
import { RelaySettings } from './relay/relay.settings';

/** Settings come from a file, `relay.env` or the one that is named: they hold the keys of many robots. */
void runProcess('relay', async () => {
  const file = process.argv[2] ?? 'relay.env';
  const settings = parseSettings(RelaySettings, parseEnv(readFileSync(file, 'utf8')));
  const app = await createRelayApp(settings);
  await app.listen(settings.port, settings.host);
  return app;
});
