import { parseSettings, runProcess } from '@rovercast/platform';
import { createGatewayApp } from './gateway.app';
import { GatewaySettings } from './gateway.settings';

void runProcess('gateway', async () => {
  const settings = parseSettings(GatewaySettings, process.env);
  const app = await createGatewayApp(settings);
  await app.listen(settings.port, settings.host);
  return app;
});
