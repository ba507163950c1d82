import 'reflect-metadata';
import { parseSettings, runProcess } from '@rovercast/platform';
import { existsSync } from 'node:fs';
import { createDeviceApp } from './device-app';
import { DeviceSettings } from './settings/device.settings';
import { legacyEnvironment } from './settings/legacy-environment.rules';

void runProcess('device', async () => {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = parseSettings(DeviceSettings, legacyEnvironment(process.env));
  const { STATE_DIR, STATE_DIRECTORY } = process.env;
  const app = await createDeviceApp(settings, { stateDir: STATE_DIR ?? STATE_DIRECTORY });
  await app.listen(settings.port, settings.host);
  return app;
});
