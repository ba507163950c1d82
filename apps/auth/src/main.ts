import { parseSettings, runProcess } from '@rovercast/platform';
import { createAuthApp } from './auth.app';
import { AuthSettings } from './auth.settings';

void runProcess('auth', async () => {
  const settings = parseSettings(AuthSettings, process.env);
  const app = await createAuthApp(settings);
  await app.listen(settings.port, settings.host);
  return app;
});
