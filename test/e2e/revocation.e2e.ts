import { deriveKeys, PasswordPool, Tokens } from '@rovercast/access';
import { createDataSource } from '@rovercast/database';
import { Users } from '@rovercast/directory';
import { MediaMtxClient } from '@rovercast/mediamtx';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { until } from '../support/until';
import { RestClient } from './support/client';
import { ffmpegPath, play } from './support/player';
import { RunningStack, type StackInfo } from './support/stack';

const hasMediaMtx = (): boolean => {
  try {
    execFileSync(process.env.MEDIAMTX_BIN ?? 'mediamtx', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const SERVERS = [
  { server: 'the stand-in', environment: { MEDIAMTX_BIN: 'embedded' } },
  ...(hasMediaMtx() ? [{ server: 'a real MediaMTX', environment: {} }] : []),
] as const;

const PATH = 'robots/demo';
const PASSWORD = 'a-good-long-password';
const PROTOCOLS = ['rtsp', 'rtmp', 'hls'] as const;
type Protocol = (typeof PROTOCOLS)[number];

jest.setTimeout(90_000);

/** Somebody who watches until told otherwise: FFmpeg that decodes, and counts its pictures. */
class Watcher {
  frames = 0;
  private readonly process: ChildProcess;

  constructor(readonly url: string) {
    const input = url.startsWith('rtsp') ? ['-rtsp_transport', 'tcp'] : [];
    const args = ['-nostdin', '-v', 'error', ...input, '-i', url, '-an', '-f', 'framemd5', '-'];
    this.process = spawn(ffmpegPath(), args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.process.stdout?.on('data', (text: Buffer) => {
      this.frames += text.toString().match(/^\d.*$/gm)?.length ?? 0;
    });
  }

  async watching(): Promise<this> {
    await until(() => this.frames > 0, { timeoutMs: 20_000 });
    return this;
  }

  /** Whether so many more pictures come. */
  async goesOn(frames: number, timeoutMs = 15_000): Promise<boolean> {
    const wanted = this.frames + frames;
    return until(() => this.frames >= wanted, { timeoutMs }).then(
      () => true,
      () => false,
    );
  }

  close(): void {
    this.process.kill('SIGKILL');
  }
}

describe.each(SERVERS)('revocation through $server', ({ environment }) => {
  let stack: RunningStack;
  let info: StackInfo;
  let database: DataSource;
  let media: MediaMtxClient;
  let tokens: Tokens;
  const passwords = new PasswordPool(1);
  const watchers: Watcher[] = [];

  const sql = (text: string, values: unknown[] = []): Promise<any[]> => database.query(text, values);
  const urlFor = (protocol: Protocol, user: string): string => {
    const { rtspUrl, rtmpUrl, hlsUrl } = info.media;
    const query = `user=${user}&pass=${PASSWORD}`;
    switch (protocol) {
      case 'rtsp':
        return `${rtspUrl.replace('://', `://${user}:${PASSWORD}@`)}/${PATH}`;
      case 'rtmp':
        return `${rtmpUrl}/${PATH}?${query}`;
      case 'hls':
        return `${hlsUrl}/${PATH}/index.m3u8?${query}`;
    }
  };
  const watch = (url: string): Promise<Watcher> => {
    const watcher = new Watcher(url);
    watchers.push(watcher);
    return watcher.watching();
  };
  const aViewer = async (username: string, patterns: string[]): Promise<string[]> => {
    const users = new Users(database, passwords);
    const { id } = await users.create({ username, password: PASSWORD, role: 'viewer' }, 'test');
    const grants = await sql(
      `INSERT INTO grants (user_id, action, pattern) SELECT $1, 'read', p FROM unnest($2::text[]) p RETURNING id`,
      [id, patterns],
    );
    return grants.map((grant) => grant.id as string);
  };
  const revoke = async (kind: string, subject: string, deny: string, value: string): Promise<string> =>
    database.transaction(async (tx) => {
      await tx.query(deny, [value]);
      const rows = await tx.query<{ id: string }[]>(
        `INSERT INTO revocations (kind, subject, reason, requested_by) VALUES ($1, $2, 'a test', 'test') RETURNING id`,
        [kind, subject],
      );
      return rows[0].id;
    });
  const verified = (id: string): Promise<any> =>
    until(
      async () => (await sql('SELECT * FROM revocations WHERE id = $1 AND verified_at IS NOT NULL', [id]))[0],
      {
        timeoutMs: 10_000,
        everyMs: 50,
      },
    );
  const sessionsOf = async (username: string): Promise<string[]> => {
    const live = (await media.listSessions()).map(({ id }) => id);
    const rows = await sql(
      'SELECT session_id FROM admissions WHERE principal = $1 AND session_id = ANY ($2)',
      [username, live],
    );
    return rows.map(({ session_id }) => session_id as string);
  };

  beforeAll(async () => {
    stack = await RunningStack.start({ environment });
    info = stack.info;
    database = await createDataSource({ url: info.database.url, applicationName: 'test' }).initialize();
    media = new MediaMtxClient({ apiUrl: info.media.apiUrl, timeoutMs: 5_000 });
    const secrets = readFileSync(join(stack.dataDir, 'secrets.json'), 'utf8');
    tokens = new Tokens([deriveKeys((JSON.parse(secrets) as { authSecret: string }).authSecret)]);
    const admin = await RestClient.login(info.gateway.url, info.accounts.admin);
    await until(async () => (await admin.get('/v1/robots/demo')).body.online, { timeoutMs: 15_000 });
    await admin.post('/v1/robots/demo/stream?wait=live', { leaseSeconds: 600 });
    await aViewer('bob', [PATH]);
  });
  afterEach(() => {
    for (const watcher of watchers.splice(0)) watcher.close();
  });
  afterAll(async () => {
    await passwords.close();
    await database?.destroy();
    await stack?.stop();
    stack?.remove();
  });

  it('ends all that one person watches within five seconds, and nothing that others watch', async () => {
    await aViewer('alice', [PATH]);
    await Promise.all(PROTOCOLS.map((protocol) => watch(urlFor(protocol, 'alice'))));
    const bobs = await Promise.all(PROTOCOLS.map((protocol) => watch(urlFor(protocol, 'bob'))));
    await until(async () => (await sessionsOf('alice')).length === 3);
    const doomed = await sessionsOf('alice');

    const disable = 'UPDATE users SET disabled_at = now() WHERE username = $1';
    const id = await revoke('user', 'alice', disable, 'alice');
    const askedAt = performance.now();
    await until(async () => (await sessionsOf('alice')).length === 0, { timeoutMs: 5_000, everyMs: 50 });
    const goneAfterMs = performance.now() - askedAt;

    const back = await Promise.all(
      PROTOCOLS.map((protocol) => play(urlFor(protocol, 'alice'), { frames: 1, timeoutMs: 6_000 })),
    );
    expect(back.map(({ frames }) => frames)).toEqual([0, 0, 0]);
    const { receipt } = await verified(id);
    expect(receipt.map(({ sessionId }: any) => sessionId).sort()).toEqual(doomed.sort());
    expect(receipt.map(({ protocol }: any) => protocol).sort()).toEqual([...PROTOCOLS].sort());
    for (const line of receipt) {
      expect(line).toMatchObject({ node: 'main', path: PATH, principal: 'alice', verified: true });
      expect(line.cutAfterMs).toBeLessThan(5_000);
    }
    for (const bob of bobs) expect(await bob.goesOn(30)).toBe(true);
    expect(await sessionsOf('alice')).toEqual([]);
    // eslint-disable-next-line no-console
    console.log(
      `gone after ${Math.round(goneAfterMs)} ms; by the receipt ${receipt.map((line: any) => `${line.protocol} ${line.cutAfterMs}`).join(', ')} ms`,
    );
    const views = await until(async () => {
      const rows = await sql(`SELECT * FROM view_log WHERE principal = 'alice' AND ended_at IS NOT NULL`);
      return rows.length === 3 ? rows : undefined;
    });
    expect(views.map(({ end_reason }) => end_reason)).toEqual(['a test', 'a test', 'a test']);
    for (const { outbound_bytes } of views) expect(Number(outbound_bytes)).toBeGreaterThan(10_000);
  });

  it('refuses a new connection within a second', async () => {
    await aViewer('carol', [PATH]);
    await watch(urlFor('rtsp', 'carol'));
    await revoke('user', 'carol', 'UPDATE users SET disabled_at = now() WHERE username = $1', 'carol');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await play(urlFor('rtsp', 'carol'), { frames: 1, timeoutMs: 8_000 })).toMatchObject({ frames: 0 });
    expect(await sessionsOf('carol')).toEqual([]);
  });

  it('ends a session when its ticket says so, and not before', async () => {
    const leaveAt = (Math.ceil(Date.now() / 1000) + 8) * 1000;
    const family = 'e2e-family';
    const ticket = { subject: 'guest', action: 'read', path: PATH, expiresAt: Date.now() + 60_000 } as const;
    const url = (token: string): string => `${info.media.rtspUrl}/${PATH}?token=${token}`;
    const [short, long] = await Promise.all([
      watch(url(tokens.signTicket({ ...ticket, leaveAt, family }))),
      watch(url(tokens.signTicket(ticket))),
    ]);
    await until(async () => (await sessionsOf('guest')).length === 2);
    expect(await short.goesOn(15, 4_000)).toBe(true);
    await until(async () => (await sessionsOf('guest')).length === 1, { timeoutMs: 15_000, everyMs: 50 });
    expect(Date.now()).toBeGreaterThanOrEqual(leaveAt);
    expect(Date.now() - leaveAt).toBeLessThan(5_000);
    expect(await long.goesOn(30)).toBe(true);
    const [row] = await sql(`SELECT * FROM revocations WHERE reason = 'leave_at'`);
    expect((await verified(row.id as string)).receipt).toMatchObject([
      { protocol: 'rtsp', principal: 'guest' },
    ]);
  });

  it('cuts nobody whom a second grant covers, and cuts with the last one', async () => {
    const [one, two] = await aViewer('dave', [PATH, 'robots/**']);
    const dave = await watch(urlFor('rtmp', 'dave'));
    await until(async () => (await sessionsOf('dave')).length === 1);
    const remove = 'DELETE FROM grants WHERE id = $1';
    const spared = await verified(await revoke('grant', one, remove, one));
    expect(spared.receipt).toEqual([]);
    expect(await dave.goesOn(30)).toBe(true);
    await revoke('grant', two, remove, two);
    await until(async () => (await sessionsOf('dave')).length === 0, { timeoutMs: 5_000 });
  });

  it('wrote no secret down', () => {
    expect(stack.logs()).not.toContain(PASSWORD);
  });
});
