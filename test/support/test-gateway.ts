import { deriveKeys, PasswordPool } from '@rovercast/access';
import { Robots, Users } from '@rovercast/directory';
import { parseSettings, type Environment } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Aedes } from 'aedes';
import { createServer, type AddressInfo } from 'node:net';
import { createGatewayApp } from '../../apps/gateway/src/gateway.app';
import { GatewaySettings } from '../../apps/gateway/src/gateway.settings';
import { RestClient } from '../e2e/support/client';
import { aDatabase, type TestDatabase } from './database';

export const TEST_SECRET = 'a-secret-of-at-least-32-characters-for-tests';
const PASSWORD = 'correct horse battery';

/** A gateway on a database and an embedded broker of its own, with robot `r1` (cameras main and rear) and four users. */
export interface TestGateway {
  url: string;
  app: NestFastifyApplication;
  database: TestDatabase;
  robots: Robots;
  brokerUrl: string;
  /** May do everything. */
  admin: RestClient;
  /** Operator with read and control on r1. */
  operator: RestClient;
  /** Reads r1. */
  viewer: RestClient;
  /** Nothing. */
  stranger: RestClient;
  anyone: RestClient;
  close(): Promise<void>;
}

async function openBroker(): Promise<{ url: string; close(): Promise<void> }> {
  const broker = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, broker.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    close: async () => {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function addUsers(database: TestDatabase): Promise<void> {
  const passwords = new PasswordPool();
  const users = new Users(database.source, passwords);
  await users.create({ username: 'admin', password: PASSWORD, role: 'admin' }, 'test');
  await users.create({ username: 'operator', password: PASSWORD, role: 'operator' }, 'test');
  await users.create({ username: 'viewer', password: PASSWORD, role: 'viewer' }, 'test');
  await users.create({ username: 'stranger', password: PASSWORD, role: 'viewer' }, 'test');
  for (const [name, action] of [
    ['operator', 'read'],
    ['operator', 'control'],
    ['viewer', 'read'],
  ] as const)
    await users.grant(name, { action, pattern: 'robots/r1/**' }, 'test');
  await passwords.close();
}

/** @param environment in place of the gateway's usual settings */
export async function aGateway(environment: Environment = {}): Promise<TestGateway> {
  const database = await aDatabase();
  await addUsers(database);
  const robots = new Robots(database.source, deriveKeys(TEST_SECRET));
  await robots.create({ id: 'r1', cameras: ['main', 'rear'] }, 'test');
  const broker = await openBroker();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = parseSettings(GatewaySettings, {
    LOG_LEVEL: 'silent',
    PORT: String(port),
    DATABASE_URL: database.url,
    AUTH_SECRET: TEST_SECRET,
    MQTT_URL: broker.url.replace('mqtt://', 'mqtt://gateway:secret@'),
    MQTT_VERSION: '4',
    MONITOR_URL: 'http://127.0.0.1:9',
    MONITOR_TOKEN: 'monitor-token-for-tests',
    MEDIAMTX_PUBLIC_HOST: '127.0.0.1',
    ...environment,
  });
  const app = await createGatewayApp(settings);
  await app.listen(port, '127.0.0.1');
  const login = (username: string): Promise<RestClient> =>
    RestClient.login(url, { username, password: PASSWORD });
  return {
    url,
    app,
    database,
    robots,
    brokerUrl: broker.url,
    admin: await login('admin'),
    operator: await login('operator'),
    viewer: await login('viewer'),
    stranger: await login('stranger'),
    anyone: new RestClient(url),
    close: async () => {
      await app.close();
      await broker.close();
      await database.drop();
    },
  };
}
