import { deriveKeys, PasswordPool } from '@rovercast/access';
import type { Role } from '@rovercast/database';
import { Robots, Users, type NewGrant, type User } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Aedes } from 'aedes';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { RestClient } from '../../../test/e2e/support/client';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { createGatewayApp } from './gateway.app';
import { GatewaySettings } from './gateway.settings';

export const TEST_SECRET = 'a-secret-of-at-least-32-characters-for-tests';
export const TEST_PASSWORD = 'correct horse battery';

/** Somebody with a login. */
export interface Person extends User {
  client: RestClient;
}

/** A gateway on a database and an open broker of its own. */
export class TestGateway {
  private made = 0;

  private constructor(
    readonly url: string,
    readonly brokerUrl: string,
    readonly database: TestDatabase,
    readonly users: Users,
    readonly robots: Robots,
    private readonly parts: {
      app: NestFastifyApplication;
      passwords: PasswordPool;
      stopBroker: () => Promise<void>;
    },
  ) {}

  static async start(): Promise<TestGateway> {
    const database = await aDatabase();
    const broker = await Aedes.createBroker();
    const server = createServer({ noDelay: true }, broker.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const app = await createGatewayApp(
      parseSettings(GatewaySettings, {
        LOG_LEVEL: 'silent',
        DATABASE_URL: database.url,
        AUTH_SECRET: TEST_SECRET,
        MQTT_URL: `mqtt://gateway:secret@127.0.0.1:${port}`,
        MQTT_VERSION: '4',
        MONITOR_URL: 'http://127.0.0.1:9',
        MONITOR_TOKEN: 'monitor-token-for-tests',
        MEDIAMTX_PUBLIC_HOST: 'media.test',
      }),
    );
    await app.listen(0, '127.0.0.1');
    const passwords = new PasswordPool(1, 100);
    const stopBroker = async (): Promise<void> => {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    };
    const users = new Users(database.source, passwords);
    const robots = new Robots(database.source, deriveKeys(TEST_SECRET));
    return new TestGateway(await app.getUrl(), `mqtt://127.0.0.1:${port}`, database, users, robots, {
      app,
      passwords,
      stopBroker,
    });
  }

  async stop(): Promise<void> {
    await this.parts.app.close();
    await this.parts.stopBroker();
    await this.parts.passwords.close();
    await this.database.drop();
  }

  /** A new user, logged in. */
  async person(
    role: Role,
    { grants = [], name }: { grants?: NewGrant[]; name?: string } = {},
  ): Promise<Person> {
    this.made += 1;
    const username = name ?? `${role}${this.made}`;
    const user = await this.users.create({ username, password: TEST_PASSWORD, role }, 'test');
    for (const grant of grants) await this.users.grant(username, grant, 'test');
    return { ...user, client: await this.login(username) };
  }

  login(username: string, password = TEST_PASSWORD): Promise<RestClient> {
    return RestClient.login(this.url, { username, password });
  }

  query<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.database.source.query<Row[]>(sql, parameters);
  }

  /** A stream on a robot's path, as if it had been started; in service unless it has an end. */
  async stream(robotId: string, { endedAt = null }: { endedAt?: Date | null } = {}): Promise<string> {
    const id = randomUUID();
    await this.query(
      `INSERT INTO streams (id, robot_id, camera, path, state, lease_until, requested_at, ended_at)
         VALUES ($1, $2, 'main', $3, $4, now(), now() - interval '1 hour', $5)`,
      [id, robotId, `robots/${robotId}`, endedAt === null ? 'live' : 'stopped', endedAt],
    );
    return id;
  }

  revocation(
    id: string,
  ): Promise<{ kind: string; subject: string; reason: string; requested_by: string } | undefined> {
    return this.query<{ kind: string; subject: string; reason: string; requested_by: string }>(
      'SELECT kind, subject, reason, requested_by FROM revocations WHERE id = $1',
      [id],
    ).then((rows) => rows.at(0));
  }

  /** The revocations of a subject, oldest first. */
  async revocationsOf(kind: string, subject: string): Promise<string[]> {
    const rows = await this.query<{ reason: string }>(
      'SELECT reason FROM revocations WHERE kind = $1 AND subject = $2 ORDER BY requested_at',
      [kind, subject],
    );
    return rows.map(({ reason }) => reason);
  }

  async auditOf(target: string): Promise<string[]> {
    const rows = await this.query<{ line: string }>(
      `SELECT actor || ' ' || action AS line FROM audit_events WHERE target = $1 ORDER BY id`,
      [target],
    );
    return rows.map(({ line }) => line);
  }
}
