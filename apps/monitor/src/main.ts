import { parseSettings, runProcess } from '@rovercast/platform';
import { createMonitorApp } from './monitor.app';
import { MonitorSettings } from './monitor.settings';

void runProcess('monitor', async () => {
  const settings = parseSettings(MonitorSettings, process.env);
  const app = await createMonitorApp(settings);
  await app.listen(settings.port, settings.host);
  return app;
});
