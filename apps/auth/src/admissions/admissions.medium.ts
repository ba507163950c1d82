import { deriveKeys, hashSecret, newSecret, PasswordPool, Tokens } from '@rovercast/access';
import { Users } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import { aDatabase, type TestDatabase } from '../../../../test/support/database';
import { aProxyTo, type TcpProxy } from '../../../../test/support/tcp-proxy';
import { until } from '../../../../test/support/until';
import { createAuthApp } from '../auth.app';
import { AuthSettings } from '../auth.settings';

const HOOK = 'hook-secret-0123456789';
const SECRET = 'k'.repeat(32);
const PASSWORD = 'c4n4ry-password';
const KEYS = deriveKeys(SECRET);

const passwords = new PasswordPool(1, 100);
let database: TestDatabase;
let proxy: TcpProxy;
let app: NestFastifyApplication;
let url: string;
let grantId: string;
let keyId: string;
const streamKey = newSecret('sk');

async function ask(change: object, node = ''): Promise<number> {
  const body = {
    ip: '10.0.0.7',
    user: '',
    password: '',
    token: '',
    action: 'read',
    path: 'robots/r1',
    protocol: 'rtsp',
    id: randomUUID(),
    query: '',
    userAgent: 'VLC',
    ...change,
  };
  const answer = await fetch(`${url}/mediamtx/auth${node}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`media:${HOOK}`).toString('base64')}`,
    },
    body: JSON.stringify(body),
  });
  return answer.status;
}
const login = { user: 'viewer', password: PASSWORD };
const rows = (): Promise<any[]> => database.source.query('SELECT * FROM admissions ORDER BY at');
const row = (id: string): Promise<any> =>
  until(async () => (await rows()).find((one) => one.session_id === id), { timeoutMs: 3_000 });

beforeAll(async () => {
  database = await aDatabase();
  const users = new Users(database.source, passwords);
  const { id } = await users.create({ username: 'viewer', password: PASSWORD, role: 'viewer' }, 'test');
  const sql = (text: string, values: unknown[]): Promise<any[]> => database.source.query(text, values);
  [{ id: grantId }] = await sql(
    `INSERT INTO grants (user_id, action, pattern) VALUES ($1, 'read', 'robots/r1') RETURNING id`,
    [id],
  );
  [{ id: keyId }] = await sql('INSERT INTO stream_keys (user_id, hash) VALUES ($1, $2) RETURNING id', [
    id,
    hashSecret(KEYS, streamKey),
  ]);
  const target = new URL(database.url);
  proxy = await aProxyTo({ host: target.hostname, port: Number(target.port) });
  const throughProxy = new URL(database.url);
  throughProxy.port = String(proxy.port);
  app = await createAuthApp(
    parseSettings(AuthSettings, {
      DATABASE_URL: throughProxy.toString(),
      AUTH_SECRET: SECRET,
      MEDIA_HOOK_SECRET: HOOK,
      BROKER_HOOK_SECRET: 'broker-secret-0123456789',
      LOG_LEVEL: 'error',
    }),
  );
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
beforeEach(() => database.source.query('TRUNCATE admissions'));
afterAll(async () => {
  await app?.close();
  await proxy?.close();
  await passwords.close();
  await database?.drop();
});

describe('the door remembers', () => {
  it('a login, by its grant', async () => {
    const id = randomUUID();
    expect(await ask({ ...login, id })).toBe(204);
    expect(await row(id)).toMatchObject({
      node: 'main',
      action: 'read',
      path: 'robots/r1',
      protocol: 'rtsp',
      address: '10.0.0.7',
      user_agent: 'VLC',
      principal_kind: 'user',
      principal: 'viewer',
      grant_id: grantId,
      key_id: null,
      ticket_id: null,
    });
    expect(JSON.stringify(await rows())).not.toContain(PASSWORD);
  });

  it('a stream key by its id, and the node that asked', async () => {
    const id = randomUUID();
    expect(await ask({ token: streamKey, id }, '/node7')).toBe(204);
    expect(await row(id)).toMatchObject({ node: 'node7', key_id: keyId, grant_id: grantId });
  });

  it('a ticket with its family and its end', async () => {
    const id = randomUUID();
    const leaveAt = Math.ceil(Date.now() / 1000) * 1000 + 60_000;
    const ticket = { subject: 'guest', action: 'read', path: 'robots/r1', family: 'f1', leaveAt } as const;
    const token = new Tokens([KEYS]).signTicket({ ...ticket, expiresAt: Date.now() + 30_000 });
    expect(await ask({ token, id })).toBe(204);
    const found = await row(id);
    expect(found).toMatchObject({ principal_kind: 'ticket', principal: 'guest', ticket_family: 'f1' });
    expect([found.leave_at.getTime(), typeof found.ticket_id]).toEqual([leaveAt, 'string']);
  });

  it('nobody who was refused, and nothing without an id', async () => {
    expect(await ask({ user: 'viewer', password: 'wrong' })).toBe(401);
    expect(await ask({ ...login, id: null })).toBe(204);
    expect(await ask({ ...login, id: 'not-a-uuid' })).toBe(204);
    const last = randomUUID();
    expect(await ask({ ...login, id: last, userAgent: 'a\0\ud800' })).toBe(204);
    await row(last);
    expect(await rows()).toHaveLength(1);
  });

  it('one admission per session, the newest', async () => {
    const id = randomUUID();
    await ask({ token: streamKey, id });
    await row(id);
    await ask({ ...login, id, protocol: 'hls' });
    await until(async () => (await row(id)).protocol === 'hls');
    expect(await rows()).toHaveLength(1);
  });

  it('all who came while Postgres was away, and answers meanwhile', async () => {
    await ask(login);
    proxy.setMode('refuse');
    const ids = Array.from({ length: 30 }, () => randomUUID());
    const answers = await Promise.all(ids.map((id) => ask({ ...login, id })));
    expect(new Set(answers)).toEqual(new Set([204]));
    await new Promise((resolve) => setTimeout(resolve, 500));
    proxy.setMode('relay');
    await until(
      async () => {
        const known = new Set((await rows()).map(({ session_id }) => session_id as string));
        return ids.every((id) => known.has(id));
      },
      { timeoutMs: 12_000 },
    );
  });
});
