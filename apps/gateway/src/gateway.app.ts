import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RobotMqttStrategy } from '@rovercast/mqtt';
import { createHttpApp, Problem } from '@rovercast/platform';
import { randomUUID } from 'node:crypto';
import { RobotLink } from './fleet/robot-link';
import { GatewayModule } from './gateway.module';
import type { GatewaySettings } from './gateway.settings';
import { WishKeeper } from './streams/wish-keeper';

/** The gateway, connected to the broker and not yet listening for HTTP. */
export async function createGatewayApp(settings: GatewaySettings): Promise<NestFastifyApplication> {
  const replica = `gw-${randomUUID().slice(0, 8)}`;
  const strategy = new RobotMqttStrategy(brokerConnection(settings, replica));
  const app = await createHttpApp(GatewayModule.with(settings, strategy), {
    name: 'gateway',
    logLevel: settings.logLevel,
  });
  app.connectMicroservice({ strategy }, { inheritAppConfig: false });
  SwaggerModule.setup('docs', app, openApiDocument(app), { jsonDocumentUrl: 'docs-json' });
  await app.startAllMicroservices();
  const link = app.get(RobotLink);
  link.open(replica);
  // What a broker retains is a cache: a new one may have forgotten it.
  link.whenConnected(() => void app.get(WishKeeper).renewAll());
  return app;
}

/** The REST contract as OpenAPI 3. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Rovercast')
    .setDescription(
      'Live video from robots and cameras, on demand. Errors are RFC 9457 problem documents with a stable `code`.',
    )
    .setVersion('1')
    .addBearerAuth()
    .build();
  const document = SwaggerModule.createDocument(app, config, { extraModels: [Problem] });
  const problem = {
    description: 'A problem document, see `code`',
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(Problem) } } },
  };
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations as Record<string, { responses?: object }>)) {
      operation.responses = { ...operation.responses, default: problem };
    }
  }
  return document;
}

/** How this replica connects to the broker; the URL's login goes apart, so that no log line has it. */
export function brokerConnection({ mqttUrl, mqttVersion, mqttCa }: GatewaySettings, replica: string) {
  const url = new URL(mqttUrl);
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return {
    url: url.href,
    username,
    password,
    clientId: replica,
    version: mqttVersion,
    ...(mqttCa !== undefined && { tls: { ca: mqttCa } }),
    shareGroup: 'gateway',
    reconnectMs: { min: 250, max: 2_000 },
  };
}
