import { randomUUID } from 'node:crypto';
import { aDatabase, type TestDatabase } from '../../../test/support/database';
import { until } from '../../../test/support/until';
import { PostgresListener } from './listener';

interface Opened {
  id: string;
  fresh: boolean;
  version: number;
}

describe('a stream in the tables', () => {
  let database: TestDatabase;
  let robots = 0;

  beforeAll(async () => {
    database = await aDatabase();
  });
  afterAll(() => database.drop());

  const query = <T = Record<string, any>>(sql: string, parameters: unknown[] = []): Promise<T[]> =>
    database.source.query<T[]>(sql, parameters);

  async function aRobot(): Promise<string> {
    robots += 1;
    await query(`INSERT INTO robots (id, name, kind) VALUES ($1, $1, 'agent')`, [`r${robots}`]);
    return `r${robots}`;
  }
  async function open(robot: string, { camera = 'main', leaseMs = 30_000 } = {}): Promise<Opened> {
    const [row] = await query<{ stream_id: string; fresh: boolean; version: string }>(
      'SELECT * FROM open_stream($1, $2, $3, $4, NULL, $5, $6, $7, 30000)',
      [randomUUID(), robot, camera, `robots/${robot}/${camera}`, leaseMs, randomUUID(), { width: 640 }],
    );
    return { id: row.stream_id, fresh: row.fresh, version: Number(row.version) };
  }
  async function close(id: string, cause = 'user', failed = false): Promise<number | null> {
    const [row] = await query<{ version: string | null }>(
      'SELECT close_stream($1, $2, NULL, $3, $4) AS version',
      [id, cause, failed, randomUUID()],
    );
    return row.version === null ? null : Number(row.version);
  }
  const streamOf = async (id: string): Promise<Record<string, any>> =>
    (await query('SELECT * FROM streams WHERE id = $1', [id]))[0];
  const wishOf = async (robot: string): Promise<Record<string, any>> =>
    (await query('SELECT * FROM stream_wishes WHERE robot_id = $1', [robot]))[0];

  it('is requested, with a wish that says on', async () => {
    const robot = await aRobot();
    const { id, fresh, version } = await open(robot);
    expect({ fresh, version }).toEqual({ fresh: true, version: 1 });
    expect(await streamOf(id)).toMatchObject({ state: 'requested', ended_at: null, cause: null });
    expect(await wishOf(robot)).toMatchObject({
      state: 'on',
      session_id: id,
      version: '1',
      profile: { width: 640 },
    });
  });

  it('is the same stream when it is started again, with a longer lease', async () => {
    const robot = await aRobot();
    const first = await open(robot, { leaseMs: 1_000 });
    const lease = (await streamOf(first.id)).lease_until as Date;
    expect(await open(robot, { leaseMs: 60_000 })).toEqual({ ...first, fresh: false });
    expect((await streamOf(first.id)).lease_until.getTime()).toBeGreaterThan(lease.getTime() + 50_000);
  });

  it('never gets a shorter lease from a repeated start', async () => {
    const robot = await aRobot();
    const { id } = await open(robot, { leaseMs: 60_000 });
    const lease = (await streamOf(id)).lease_until as Date;
    await open(robot, { leaseMs: 1_000 });
    expect((await streamOf(id)).lease_until).toEqual(lease);
  });

  it('is opened once by 50 callers at a time', async () => {
    const robot = await aRobot();
    const all = await Promise.all(Array.from({ length: 50 }, () => open(robot)));
    expect(all.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(new Set(all.map(({ version }) => version))).toEqual(new Set([1]));
    expect(await query('SELECT 1 FROM streams WHERE robot_id = $1', [robot])).toHaveLength(1);
  });

  it('survives 60 starts and stops at a time without a deadlock, and versions only grow', async () => {
    const robot = await aRobot();
    const versions: number[] = [];
    const one = async (): Promise<void> => {
      const { id, fresh, version } = await open(robot);
      if (fresh) versions.push(version);
      const closed = await close(id);
      if (closed !== null) versions.push(closed);
    };
    await Promise.all(Array.from({ length: 60 }, one));
    expect(new Set(versions).size).toBe(versions.length);
    expect(Number((await wishOf(robot)).version)).toBe(Math.max(...versions));
    expect(
      await query('SELECT 1 FROM streams WHERE robot_id = $1 AND ended_at IS NULL', [robot]),
    ).toHaveLength(1);
  });

  it('is stopping once closed, with a wish that says off and a higher version', async () => {
    const robot = await aRobot();
    const { id, version } = await open(robot);
    expect(await close(id, 'last_viewer_left')).toBe(version + 1);
    expect(await streamOf(id)).toMatchObject({
      state: 'stopping',
      cause: 'last_viewer_left',
      ended_at: null,
    });
    expect(await wishOf(robot)).toMatchObject({ state: 'off', session_id: null, cause: 'last_viewer_left' });
  });

  it('has ended once it failed', async () => {
    const { id } = await open(await aRobot());
    expect(await close(id, 'ack_timeout', true)).toBe(2);
    expect(await streamOf(id)).toMatchObject({
      state: 'failed',
      cause: 'ack_timeout',
      ended_at: expect.any(Date),
    });
  });

  it('cannot be closed twice, nor when there is none', async () => {
    const robot = await aRobot();
    const { id } = await open(robot);
    expect(await close(id)).toBe(2);
    expect(await close(id, 'admin')).toBeNull();
    expect((await streamOf(id)).cause).toBe('user');
    expect((await wishOf(robot)).version).toBe('2');
    expect(await close(randomUUID())).toBeNull();
  });

  it('makes room for a new one while it is stopping', async () => {
    const robot = await aRobot();
    const first = await open(robot);
    await close(first.id);
    const second = await open(robot);
    expect(second).toMatchObject({ fresh: true, version: 3 });
    expect(second.id).not.toBe(first.id);
    expect(await streamOf(first.id)).toMatchObject({
      state: 'stopped',
      cause: 'user',
      ended_at: expect.any(Date),
    });
    expect(await close(first.id)).toBeNull();
    expect((await wishOf(robot)).session_id).toBe(second.id);
  });

  it('of one camera leaves the others alone', async () => {
    const robot = await aRobot();
    const [front, back] = [await open(robot, { camera: 'front' }), await open(robot, { camera: 'back' })];
    expect([front.version, back.version]).toEqual([1, 1]);
    await close(front.id);
    expect((await streamOf(back.id)).state).toBe('requested');
  });

  it('stamps when its state changed, and not when its lease did', async () => {
    const { id } = await open(await aRobot());
    const { changed_at: before } = await streamOf(id);
    await query('UPDATE streams SET lease_until = now() WHERE id = $1', [id]);
    expect((await streamOf(id)).changed_at).toEqual(before);
    await query(`UPDATE streams SET state = 'live' WHERE id = $1`, [id]);
    expect((await streamOf(id)).changed_at.getTime()).toBeGreaterThan(before.getTime());
  });

  it.each([
    ['an unknown state', `UPDATE streams SET state = 'paused'`],
    ['an end without a last state', `UPDATE streams SET ended_at = now() WHERE ended_at IS NULL`],
    ['a last state without an end', `UPDATE streams SET state = 'stopped' WHERE ended_at IS NULL`],
    ['an unknown role', `INSERT INTO users (username, role) VALUES ('x', 'god')`],
    [
      'an unknown right',
      `INSERT INTO grants (user_id, action, pattern) VALUES (gen_random_uuid(), 'fly', 'x')`,
    ],
    ['a key of nobody', `INSERT INTO stream_keys (hash) VALUES ('x')`],
    ['a robot with a slash', `INSERT INTO robots (id, name, kind) VALUES ('a/b', 'x', 'agent')`],
    ['a legacy robot without a topic', `INSERT INTO robots (id, name, kind) VALUES ('l', 'x', 'legacy')`],
    ['a second policy version', `INSERT INTO policy_version (singleton, version) VALUES (true, 9)`],
  ])('the tables refuse %s', async (_what, sql) => {
    await open(await aRobot());
    await expect(query(sql)).rejects.toThrow();
  });

  it('announces each state and each wish', async () => {
    const heard: string[] = [];
    const listener = new PostgresListener({
      url: database.url,
      applicationName: 'test',
      channels: ['stream_changed', 'wish_changed'],
      onNotify: (channel, payload) => heard.push(`${channel} ${payload}`),
    });
    listener.start();
    await until(() => listener.connected);
    const robot = await aRobot();
    const { id } = await open(robot);
    await open(robot);
    await close(id);
    await until(() => heard.includes(`stream_changed ${id} stopping`));
    await listener.close();
    expect(heard.filter((line) => line.startsWith('stream'))).toEqual([
      `stream_changed ${id} requested`,
      `stream_changed ${id} stopping`,
    ]);
    // With its request id, so that whoever made the change knows it for its own. Postgres folds equal ones of one transaction.
    const wishes = heard.filter((line) => line.startsWith('wish'));
    expect(wishes).toEqual(
      Array(2).fill(expect.stringMatching(`^wish_changed ${robot} main [0-9a-f-]{36}$`)),
    );
    expect(new Set(wishes).size).toBe(2);
  });
});

describe('the policy version', () => {
  let database: TestDatabase;
  let userId: string;

  beforeAll(async () => {
    database = await aDatabase();
    await database.source.query(`INSERT INTO robots (id, name, kind) VALUES ('r1', 'r1', 'agent')`);
    const rows = await database.source.query<{ id: string }[]>(
      `INSERT INTO users (username, role) VALUES ('eve', 'viewer') RETURNING id`,
    );
    userId = rows[0].id;
  });
  afterAll(() => database.drop());

  const version = async (): Promise<number> =>
    Number(
      (await database.source.query<{ version: string }[]>('SELECT version FROM policy_version'))[0].version,
    );

  it.each([
    ['a new user', `INSERT INTO users (username, role) VALUES ('bob', 'viewer')`],
    ['a disabled user', `UPDATE users SET disabled_at = now() WHERE username = 'bob'`],
    ['a new password', `UPDATE users SET password_hash = 'x' WHERE username = 'bob'`],
    ['a grant', `INSERT INTO grants (user_id, action, pattern) VALUES ('$USER', 'read', 'a')`],
    ['a longer grant', `UPDATE grants SET expires_at = now()`],
    ['a grant taken away', `DELETE FROM grants`],
    ['a new robot', `INSERT INTO robots (id, name, kind) VALUES ('r2', 'r2', 'agent')`],
    ['a disabled robot', `UPDATE robots SET disabled_at = now() WHERE id = 'r2'`],
    ['a robot gone', `DELETE FROM robots WHERE id = 'r2'`],
    ['a new key', `INSERT INTO stream_keys (robot_id, hash) VALUES ('r1', 'h')`],
    ['a revoked key', `UPDATE stream_keys SET revoked_at = now()`],
    ['a deleted user', `DELETE FROM users WHERE username = 'bob'`],
  ])('grows with %s', async (_what, sql) => {
    const before = await version();
    await database.source.query(sql.replace('$USER', userId));
    expect(await version()).toBeGreaterThan(before);
  });

  it.each([
    ['a robot that was seen', `UPDATE robots SET last_seen_at = now()`],
    ['a robot with another name', `UPDATE robots SET name = 'x'`],
    [
      'an audit line',
      `INSERT INTO audit_events (actor, action, target, outcome) VALUES ('a', 'b', 'c', 'ok')`,
    ],
  ])('stays for %s', async (_what, sql) => {
    const before = await version();
    await database.source.query(sql);
    expect(await version()).toBe(before);
  });
});
