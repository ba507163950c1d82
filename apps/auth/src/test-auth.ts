import { deriveKeys, PasswordPool, Tokens, type Ticket } from '@rovercast/access';
import { Robots, Users } from '@rovercast/directory';
import { JsonLogger, parseSettings } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { aProxyTo, type TcpProxy } from '../../../test/support/tcp-proxy';
import { createAuthApp } from './auth.app';
import { AuthSettings } from './auth.settings';

export const HOOK = 'hook-secret-0123456789';
export const BROKER = 'broker-secret-0123456789';
export const SECRET = 'k'.repeat(32);
export const PREVIOUS = 'p'.repeat(32);

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** What MediaMTX sends of a client that shows user and password. */
export const login = (user: string, password: string): object => ({ user, password, token: password });

export const ticketOf = (change: Partial<Ticket> = {}, secret = SECRET): string =>
  new Tokens([deriveKeys(secret)]).signTicket({
    subject: 'viewer',
    action: 'read',
    path: 'robots/r1',
    expiresAt: Date.now() + 60_000,
    ...change,
  });

interface LogLine {
  level: string;
  msg: string;
  context: string;
  reason?: string;
  hint?: string;
}

/** The auth app on a database of its own, behind a relay that can take Postgres away. */
export class TestDoor {
  readonly written: string[] = [];
  app!: NestFastifyApplication;
  url = '';
  private strangers = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly proxy: TcpProxy,
    readonly passwords: PasswordPool,
    readonly users: Users,
    readonly robots: Robots,
  ) {}

  /** A database with tables, and no app yet. */
  static async prepare(): Promise<TestDoor> {
    const database = await aDatabase();
    const passwords = new PasswordPool(1, 100);
    const target = new URL(database.url);
    const proxy = await aProxyTo({ host: target.hostname, port: Number(target.port) });
    return new TestDoor(
      database,
      proxy,
      passwords,
      new Users(database.source, passwords),
      new Robots(database.source, deriveKeys(SECRET)),
    );
  }

  async open(environment: Record<string, string> = {}): Promise<void> {
    const throughProxy = new URL(this.database.url);
    throughProxy.port = String(this.proxy.port);
    const settings = parseSettings(AuthSettings, {
      DATABASE_URL: throughProxy.toString(),
      AUTH_SECRET: SECRET,
      MEDIA_HOOK_SECRET: HOOK,
      BROKER_HOOK_SECRET: BROKER,
      LOG_LEVEL: 'debug',
      ...environment,
    });
    this.app = await createAuthApp(
      settings,
      new JsonLogger('debug', 'auth', { write: (line) => this.written.push(line) }),
    );
    await this.app.listen(0, '127.0.0.1');
    this.url = await this.app.getUrl();
  }

  async close(): Promise<void> {
    await this.app?.close();
    await this.proxy.close();
    await this.passwords.close();
    await this.database.drop();
  }

  /** What was logged. */
  lines(): LogLine[] {
    return this.written.map((line) => JSON.parse(line) as LogLine);
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: basic('media', HOOK), ...headers },
      body: JSON.stringify(body),
      redirect: 'error',
    });
  }

  /** An address from where nobody came before. */
  stranger(): string {
    this.strangers += 1;
    return `10.${this.strangers >> 8}.${this.strangers & 255}.7`;
  }

  /** What MediaMTX v1.20.1 asks when somebody wants to watch `robots/r1` over RTSP. */
  question(change: object = {}): Record<string, unknown> {
    return {
      ip: this.stranger(),
      user: '',
      password: '',
      token: '',
      action: 'read',
      path: 'robots/r1',
      protocol: 'rtsp',
      id: '5b0a7b3c-7f0e-4f1e-9a53-0a1b2c3d4e5f',
      query: '',
      userAgent: 'Lavf61.7.100',
      ...change,
    };
  }

  async ask(change: object = {}): Promise<number> {
    return (await this.post('/mediamtx/auth', this.question(change))).status;
  }

  /** The reason of the last decision that was written down. */
  lastReason(): unknown {
    return this.lines()
      .filter(({ msg }) => msg === 'denied' || msg === 'allowed')
      .at(-1)?.reason;
  }

  /** The answer's status, and the reason in the log. */
  async why(change: object = {}): Promise<[number, unknown]> {
    return [await this.ask(change), this.lastReason()];
  }
}
