import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SESSION_KINDS } from '@rovercast/mediamtx';
import { parseSettings } from '@rovercast/platform';
import { aDatabase, terminateConnections, type TestDatabase } from '../../../../test/support/database';
import { until } from '../../../../test/support/until';
import { createMonitorApp } from '../monitor.app';
import { MonitorSettings } from '../monitor.settings';
import { FakeMediaApi, type FakeSession } from './fake-media-api';

let database: TestDatabase;
let api: FakeMediaApi;
let app: NestFastifyApplication | undefined;

const sql = (text: string, values: unknown[] = []): Promise<any[]> => database.source.query(text, values);

async function startMonitor(): Promise<void> {
  const settings = parseSettings(MonitorSettings, {
    DATABASE_URL: database.url,
    MEDIAMTX_API_URL: api.url,
    MONITOR_TOKEN: 'monitor-token-0123456789',
    POLL_INTERVAL_MS: '200',
    LOG_LEVEL: 'error',
  });
  app = await createMonitorApp(settings);
  await app.listen(0, '127.0.0.1');
}
const stopMonitor = async (): Promise<void> => {
  await app?.close();
  app = undefined;
};
const metrics = async (): Promise<string> => (await fetch(`${await app!.getUrl()}/metrics`)).text();

async function aUser(username: string, patterns: string[] = ['**']): Promise<string[]> {
  const [{ id }] = await sql(`INSERT INTO users (username, role) VALUES ($1, 'viewer') RETURNING id`, [
    username,
  ]);
  const rows = await sql(
    `INSERT INTO grants (user_id, action, pattern) SELECT $1, 'read', p FROM unnest($2::text[]) p RETURNING id`,
    [id, patterns],
  );
  return rows.map((row) => row.id as string);
}

/** What the door would have written. */
async function admit(session: FakeSession, principal: string, change: object = {}): Promise<FakeSession> {
  const row = {
    session_id: session.id,
    node: 'main',
    action: session.state === 'publish' ? 'publish' : 'read',
    path: session.path,
    protocol: 'rtsp',
    address: '10.0.0.7',
    user_agent: 'VLC',
    principal_kind: 'user',
    principal,
    at: new Date(),
    ...change,
  };
  await sql('INSERT INTO admissions SELECT * FROM jsonb_populate_record(NULL::admissions, $1)', [
    JSON.stringify(row),
  ]);
  return session;
}

async function revoke(kind: string, subject: string, reason = 'because'): Promise<string> {
  const [{ id }] = await sql(
    `INSERT INTO revocations (kind, subject, reason, requested_by) VALUES ($1, $2, $3, 'admin') RETURNING id`,
    [kind, subject, reason],
  );
  return id as string;
}
const revocation = async (id: string): Promise<any> =>
  (await sql('SELECT * FROM revocations WHERE id = $1', [id]))[0];
const verified = (id: string, timeoutMs = 6_000): Promise<any> =>
  until(
    async () => {
      const row = await revocation(id);
      return row.verified_at && row;
    },
    { timeoutMs, everyMs: 25 },
  );
const swept = (sessionId: string): Promise<any> =>
  until(async () => (await sql(`SELECT * FROM revocations WHERE subject = $1`, [sessionId]))[0]);
const disable = (username: string): Promise<any[]> =>
  sql('UPDATE users SET disabled_at = now() WHERE username = $1', [username]);

beforeAll(async () => {
  database = await aDatabase();
  api = await FakeMediaApi.start();
});
beforeEach(async () => {
  api.sessions.clear();
  api.kicked.length = 0;
  api.mode = 'up';
  api.onKick = () => 'ok';
  await sql(
    'TRUNCATE users, grants, robots, admissions, revocations, audit_events, view_log, ticket_families CASCADE',
  );
  await aUser('bystander');
});
afterEach(stopMonitor);
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

describe('a revocation', () => {
  it("cuts one person's sessions of every kind, leaves the others, and writes it down", async () => {
    await startMonitor();
    await aUser('alice');
    for (const kind of SESSION_KINDS) {
      await admit(api.add({ kind }), 'alice');
      await admit(api.add({ kind }), 'bystander');
    }
    await disable('alice');
    const row = await verified(await revoke('user', 'alice', 'left the company'));
    expect(row.receipt.map(({ kind }: any) => kind).sort()).toEqual([...SESSION_KINDS].sort());
    for (const line of row.receipt) {
      expect(line).toMatchObject({ node: 'main', path: 'robots/r1', principal: 'alice', verified: true });
      expect(line.cutAfterMs).toBeLessThan(5_000);
    }
    expect(api.sessions.size).toBe(SESSION_KINDS.length);
    const [line] = await sql(`SELECT * FROM audit_events WHERE action = 'revocation.verified'`);
    expect(line).toMatchObject({ actor: 'monitor', target: 'user:alice' });
    expect(line.details).toMatchObject({
      requestedBy: 'admin',
      reason: 'left the company',
      sessions: row.receipt,
    });
    expect(await metrics()).toContain(`kicks_total{reason="user",result="ok"} ${SESSION_KINDS.length}`);
  });

  it('of one of two grants cuts nobody, of both cuts', async () => {
    const [one, two] = await aUser('alice', ['robots/**', 'robots/r1']);
    const session = await admit(api.add(), 'alice', { grant_id: one });
    await startMonitor();
    await sql('DELETE FROM grants WHERE id = $1', [one]);
    const first = await verified(await revoke('grant', one));
    expect([first.receipt, api.sessions.has(session.id)]).toEqual([[], true]);
    await admit(api.add({ path: 'robots/r1' }), 'alice', { grant_id: two });
    await sql('DELETE FROM grants WHERE id = $1', [two]);
    await verified(await revoke('grant', two));
    await until(() => api.sessions.size === 0);
  });

  it.each([
    ['key', { key_id: '00000000-0000-4000-8000-000000000001' }, '00000000-0000-4000-8000-000000000001'],
    ['ticket-family', { ticket_family: 'f1', principal_kind: 'ticket', principal: 'guest' }, 'f1'],
    ['robot', { principal_kind: 'robot', principal: 'r1', action: 'publish' }, 'r1'],
  ])('of a %s cuts what came in by it', async (kind, admission, subject) => {
    const target = await admit(
      api.add({ state: kind === 'robot' ? 'publish' : 'read' }),
      'bystander',
      admission,
    );
    const other = await admit(api.add(), 'bystander');
    await sql(`INSERT INTO robots (id, name, kind) VALUES ('r1', 'r1', 'agent')`);
    await startMonitor();
    const row = await verified(await revoke(kind, subject));
    expect(row.receipt.map(({ sessionId }: any) => sessionId)).toEqual([target.id]);
    expect([...api.sessions.keys()]).toEqual([other.id]);
  });

  it('takes a session that is gone already for cut', async () => {
    const session = await admit(api.add(), 'bystander');
    api.onKick = () => 'gone';
    await startMonitor();
    const { receipt } = await verified(await revoke('session', session.id));
    expect(receipt).toMatchObject([{ sessionId: session.id, verified: true }]);
  });

  it.each(['error', 'silence', 'deaf'] as const)(
    'tries again when a kick meets %s',
    async (answer) => {
      const session = await admit(api.add(), 'bystander');
      const other = await admit(api.add(), 'bystander');
      let left = 2;
      api.onKick = (one) => (one?.id === session.id && left-- > 0 ? answer : 'ok');
      await startMonitor();
      const [id, quick] = [await revoke('session', session.id), await revoke('session', other.id)];
      await until(() => !api.sessions.has(other.id), { timeoutMs: 1_500 });
      const { attempts, receipt } = await verified(id, 15_000);
      expect(attempts).toBeGreaterThanOrEqual(3);
      expect(receipt).toHaveLength(1);
      await verified(quick);
    },
    25_000,
  );

  it('cuts who slips in right after', async () => {
    await startMonitor();
    await aUser('alice');
    await admit(api.add(), 'alice');
    await disable('alice');
    const id = await revoke('user', 'alice');
    await until(() => api.kicked.length === 1);
    const late = await admit(api.add(), 'alice');
    const { receipt } = await verified(id);
    expect(receipt.map(({ sessionId }: any) => sessionId)).toContain(late.id);
    expect(api.sessions.size).toBe(0);
  });

  it('goes on after a restart in its midst, and forgets no session', async () => {
    const sessions = [await admit(api.add(), 'bystander'), await admit(api.add(), 'bystander')];
    api.onKick = (session) => (session?.id === sessions[0].id ? 'ok' : 'deaf');
    await disable('bystander');
    await startMonitor();
    const id = await revoke('user', 'bystander');
    await until(async () => (await revocation(id)).attempts > 0);
    await stopMonitor();
    expect((await revocation(id)).verified_at).toBeNull();
    api.onKick = () => 'ok';
    await startMonitor();
    const { receipt } = await verified(id, 8_000);
    expect(receipt.map(({ sessionId }: any) => sessionId).sort()).toEqual(
      sessions.map((one) => one.id).sort(),
    );
    expect(receipt.every((line: any) => line.verified)).toBe(true);
  });

  it.each(['error', 'silence'] as const)('waits out a media server that answers with %s', async (mode) => {
    const session = await admit(api.add(), 'bystander');
    await startMonitor();
    api.mode = mode;
    const id = await revoke('session', session.id);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await metrics()).toMatch(/^revocation_pending_seconds (0\.[1-9]|[1-9])/m);
    api.mode = 'up';
    await verified(id, 12_000);
    expect(api.sessions.size).toBe(0);
    await until(async () => /^revocation_pending_seconds 0$/m.test(await metrics()));
  });

  it('is found by the poll when its announcement is lost', async () => {
    const session = await admit(api.add(), 'bystander');
    await startMonitor();
    await sql('ALTER TABLE revocations DISABLE TRIGGER revocations_announce');
    await verified(await revoke('session', session.id), 8_000);
    await sql('ALTER TABLE revocations ENABLE TRIGGER revocations_announce');
  });

  it('survives the loss of its connections', async () => {
    const session = await admit(api.add(), 'bystander');
    await startMonitor();
    await until(async () => /^poll_duration_seconds_count [1-9]/m.test(await metrics()));
    await terminateConnections(database.url, 'monitor');
    await terminateConnections(database.url, 'monitor-revocations-listen');
    await verified(await revoke('session', session.id), 8_000);
    expect(api.sessions.size).toBe(0);
  });
});

describe('the sweep', () => {
  it('ends sessions whose time has come, with a receipt', async () => {
    const leaveAt = new Date(Date.now() + 1_000);
    const guest = { principal_kind: 'ticket', principal: 'guest' };
    const session = await admit(api.add(), 'guest', { ...guest, leave_at: leaveAt });
    const stays = await admit(api.add(), 'guest', { ...guest, leave_at: new Date(Date.now() + 600_000) });
    await startMonitor();
    await until(() => !api.sessions.has(session.id));
    expect(Date.now()).toBeGreaterThanOrEqual(leaveAt.getTime());
    const row = await swept(session.id);
    expect(row).toMatchObject({ kind: 'session', reason: 'leave_at', requested_by: 'monitor' });
    expect((await verified(row.id)).receipt).toMatchObject([{ sessionId: session.id, verified: true }]);
    expect(api.sessions.has(stays.id)).toBe(true);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['user_disabled', 'alice', () => disable('alice')],
    ['grant_expired', 'alice', () => sql(`UPDATE grants SET expires_at = now() WHERE pattern = 'robots/**'`)],
    ['right_lost', 'alice', () => sql(`DELETE FROM grants WHERE pattern = 'robots/**'`)],
    ['user_gone', 'alice', () => sql(`DELETE FROM users WHERE username = 'alice'`)],
  ])('notices %s that nobody announced', async (reason, username, act) => {
    await aUser(username, ['robots/**']);
    const session = await admit(api.add(), username);
    const other = await admit(api.add(), 'bystander');
    await startMonitor();
    await act();
    await until(() => !api.sessions.has(session.id));
    expect(await swept(session.id)).toMatchObject({ reason });
    expect(api.sessions.has(other.id)).toBe(true);
  });

  it('lets members of a user group be', async () => {
    await aUser('alice', []);
    await sql(`WITH g AS (INSERT INTO user_groups (name) VALUES ('police') RETURNING id),
      m AS (INSERT INTO user_group_members (group_id, user_id) SELECT g.id, u.id FROM g, users u WHERE username = 'alice')
      INSERT INTO grants (group_id, action, pattern) SELECT id, 'read', 'robots/**' FROM g`);
    const session = await admit(api.add(), 'alice');
    await startMonitor();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(api.sessions.has(session.id)).toBe(true);
    await sql('DELETE FROM user_group_members');
    await until(() => !api.sessions.has(session.id));
  });

  it('cuts nobody when the tables are empty, and nobody whom the door does not remember', async () => {
    const old = new Date(Date.now() - 60_000).toISOString();
    for (let n = 0; n < 20; n += 1) await admit(api.add(), 'bystander');
    api.add({ created: old });
    api.add();
    await startMonitor();
    await sql('TRUNCATE users, grants, robots CASCADE');
    await until(async () => /^sessions_undecided 1$/m.test(await metrics()));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect([api.kicked, api.sessions.size]).toEqual([[], 22]);
  });

  it('does not ask twice for what is being cut', async () => {
    await aUser('alice');
    const session = await admit(api.add(), 'alice');
    await startMonitor();
    api.onKick = () => 'deaf';
    await disable('alice');
    await revoke('user', 'alice');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    api.onKick = () => 'ok';
    await until(() => !api.sessions.has(session.id));
    expect(await sql('SELECT kind FROM revocations')).toEqual([{ kind: 'user' }]);
  });

  it('forgets admissions of two days ago, but not of who is still there', async () => {
    const old = new Date(Date.now() - 49 * 3_600_000);
    const live = await admit(api.add(), 'bystander', { at: old });
    const gone = await admit(api.add(), 'bystander', { at: old });
    const fresh = await admit(api.add(), 'bystander');
    for (const { id } of [gone, fresh]) api.sessions.delete(id);
    await startMonitor();
    const left = async (): Promise<string[]> =>
      (await sql('SELECT session_id FROM admissions')).map((row) => row.session_id as string).sort();
    await until(async () => (await left()).length === 2);
    expect(await left()).toEqual([live.id, fresh.id].sort());
  });
});

describe('the view log', () => {
  const views = (): Promise<any[]> => sql('SELECT * FROM view_log ORDER BY id');
  const view = async (): Promise<any> => (await views())[0];

  it('tells who watched what, from when to when, and who left', async () => {
    const session = await admit(api.add({ kind: 'hlssessions' }), 'bystander');
    await startMonitor();
    await until(view);
    expect(await view()).toMatchObject({
      session_id: session.id,
      node: 'main',
      kind: 'hlssessions',
      protocol: 'hls',
      path: 'robots/r1',
      principal_kind: 'user',
      principal: 'bystander',
      address: '10.0.0.7',
      ended_at: null,
      outbound_bytes: '100',
    });
    expect((await view()).started_at).toEqual(new Date(session.created));
    session.outboundBytes = 5_000;
    await new Promise((resolve) => setTimeout(resolve, 600));
    api.sessions.clear();
    await until(async () => (await view()).ended_at);
    expect(await view()).toMatchObject({ end_reason: 'left', outbound_bytes: '5000' });
  });

  it('learns who it is when the door is late', async () => {
    const session = api.add();
    await startMonitor();
    await until(view);
    expect((await view()).principal).toBe('unknown');
    await admit(session, 'bystander');
    await until(async () => (await view()).principal === 'bystander');
  });

  it('says why a view was cut', async () => {
    const session = await admit(api.add(), 'bystander');
    await startMonitor();
    await until(view);
    await revoke('session', session.id, 'not yours');
    await until(async () => (await view()).ended_at);
    expect((await view()).end_reason).toBe('not yours');
  });

  it('goes on over a restart of the monitor, and ends all with the media server', async () => {
    const sessions = [await admit(api.add(), 'bystander'), await admit(api.add(), 'bystander')];
    await startMonitor();
    await until(async () => (await views()).length === 2);
    await stopMonitor();
    await startMonitor();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect((await views()).map(({ ended_at }) => ended_at)).toEqual([null, null]);
    api.restart();
    await until(async () => (await views()).every(({ ended_at }) => ended_at));
    expect((await views()).map(({ end_reason }) => end_reason)).toEqual(['node_restarted', 'node_restarted']);
    expect(sessions).toHaveLength(2);
  });

  it('takes texts of clients that Postgres would not', async () => {
    const session = api.add({ user: 'a\0b' });
    await startMonitor();
    await until(view);
    await verified(await revoke('session', session.id));
    await until(async () => (await view()).ended_at);
  });
});

it('cuts 20 times 10 of 200 sessions, and says how fast', async () => {
  await startMonitor();
  const times: number[] = [];
  for (let n = 0; n < 190; n += 1) await admit(api.add(), 'bystander');
  for (let round = 0; round < 20; round += 1) {
    const username = `user-${round}`;
    await aUser(username);
    for (let n = 0; n < 10; n += 1)
      await admit(api.add({ kind: SESSION_KINDS[n % SESSION_KINDS.length] }), username);
    await disable(username);
    const id = await revoke('user', username);
    const receipt = await until(
      async () => {
        const { receipt: lines } = await revocation(id);
        return lines.length === 10 && lines.every((line: any) => line.verified) && lines;
      },
      { everyMs: 20 },
    );
    times.push(...receipt.map(({ cutAfterMs }: any) => cutAfterMs as number));
  }
  times.sort((a, b) => a - b);
  const quantile = (share: number): number => times[Math.ceil(times.length * share) - 1];
  // eslint-disable-next-line no-console
  console.log(`time to cut: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, n ${times.length}`);
  expect(quantile(1)).toBeLessThan(5_000);
  expect(api.sessions.size).toBe(190);
}, 60_000);
