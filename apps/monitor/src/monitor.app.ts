import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHttpApp } from '@rovercast/platform';
import { MonitorModule } from './monitor.module';
import type { MonitorSettings } from './monitor.settings';

/** The monitor, wired and not yet listening. */
export function createMonitorApp(settings: MonitorSettings): Promise<NestFastifyApplication> {
  return createHttpApp(MonitorModule.with(settings), { name: 'monitor', logLevel: settings.logLevel });
}
