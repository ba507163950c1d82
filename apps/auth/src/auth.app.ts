import { createHttpApp, type JsonLogger } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthModule } from './auth.module';
import type { AuthSettings } from './auth.settings';

/** Questions of MediaMTX are far smaller; more is somebody else's. */
const BODY_LIMIT_BYTES = 16 * 1024;

/** The auth app, wired and not yet listening. */
export function createAuthApp(settings: AuthSettings, logger?: JsonLogger): Promise<NestFastifyApplication> {
  return createHttpApp(AuthModule.with(settings), {
    name: 'auth',
    logLevel: settings.logLevel,
    logger,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    tolerateUnknownFields: true,
    timeouts: { requestMs: 2_000, headersMs: 1_000 },
  });
}
