import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { FakeRobot } from '../../../../test/support/fake-robot';
import { until } from '../../../../test/support/until';
import { TestGateway, type Person } from '../test-gateway';

interface Heard {
  id: string;
  event: string;
  data: any;
}

/** A client of server-sent events at the wire. */
class Listener {
  text = '';
  closed = false;

  private constructor(
    readonly call: ClientRequest,
    readonly response: IncomingMessage,
  ) {
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      this.text += part;
    });
    for (const end of ['end', 'error', 'close']) {
      response.on(end, () => {
        this.closed = true;
      });
    }
  }

  static async open(
    { client }: Pick<Person, 'client'>,
    { lastEventId, method = 'GET' }: { lastEventId?: string; method?: string } = {},
  ): Promise<Listener> {
    const call = request(`${gateway.url}/v1/events`, {
      method,
      agent: false,
      headers: { ...client.headers(), ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
    });
    call.on('error', () => undefined);
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const listener = new Listener(call, response);
    open.push(listener);
    if (response.statusCode === 200 && method === 'GET') await until(() => listener.text.includes('id: '));
    return listener;
  }

  get heard(): Heard[] {
    return [...this.text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)\n\n/gm)].map(([, id, event, data]) => ({
      id,
      event,
      data: JSON.parse(data),
    }));
  }

  of(event: string): any[] {
    return this.heard.filter((one) => one.event === event).map(({ data }) => data);
  }

  states(): string[] {
    return this.of('stream').map(({ path, state }) => `${path} ${state}`);
  }

  close(): void {
    this.call.destroy();
  }
}

let gateway: TestGateway;
let admin: Person;
let open: Listener[] = [];
const robots: FakeRobot[] = [];

jest.setTimeout(30_000);

beforeAll(async () => {
  gateway = await TestGateway.start();
  admin = await gateway.person('admin');
  for (const id of ['e1', 'e2']) await gateway.robots.create({ id }, 'test');
});

afterEach(() => {
  for (const listener of open) listener.close();
  open = [];
});

afterAll(async () => {
  await Promise.all(robots.map((robot) => robot.close()));
  await gateway?.stop();
});

const change = (id: string, state: string, cause: string | null = null): Promise<unknown> =>
  gateway.query(
    `UPDATE streams SET state = $2, cause = $3, ended_at = CASE WHEN $2 IN ('stopped', 'failed') THEN now() END WHERE id = $1`,
    [id, state, cause],
  );

async function streamOf(robotId: string): Promise<string> {
  await gateway.query(`UPDATE streams SET state = 'stopped', ended_at = now() WHERE ended_at IS NULL`);
  return gateway.stream(robotId);
}

const soon = { timeoutMs: 15_000 };

describe('GET /v1/events', () => {
  it('is a stream of events that no proxy keeps, for who is logged in', async () => {
    const { response } = await Listener.open(admin);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    expect((await fetch(`${gateway.url}/v1/events`)).status).toBe(401);
    const token = admin.client.headers().authorization.slice(7);
    expect((await fetch(`${gateway.url}/v1/events?access_token=${token}`)).status).toBe(401);
  });

  it('answers HEAD without waiting for events', async () => {
    const { response } = await Listener.open(admin, { method: 'HEAD' });
    response.resume();
    await once(response, 'end');
    expect(response.statusCode).toBe(200);
  });

  it('tells every step of a stream, with the cause of its end', async () => {
    const listener = await Listener.open(admin);
    const id = await streamOf('e1');
    await change(id, 'stopping', 'user');
    await change(id, 'stopped', 'user');
    await until(() => listener.states().includes('robots/e1 stopped'), soon);
    const steps = listener.of('stream').filter((one) => one.id === id);
    expect(steps).toEqual([
      { id, robotId: 'e1', camera: 'main', path: 'robots/e1', state: 'live', cause: null },
      { id, robotId: 'e1', camera: 'main', path: 'robots/e1', state: 'stopping', cause: 'user' },
      { id, robotId: 'e1', camera: 'main', path: 'robots/e1', state: 'stopped', cause: 'user' },
    ]);
  });

  it('tells who came and who went', async () => {
    const listener = await Listener.open(admin);
    const robot = await FakeRobot.connect(gateway.brokerUrl, 'e1');
    robots.push(robot);
    await until(() => listener.of('presence').length === 1, soon);
    robot.client.stream.destroy();
    await until(() => listener.of('presence').length >= 2, soon);
    expect(listener.of('presence').slice(0, 2)).toEqual([
      { robotId: 'e1', online: true },
      { robotId: 'e1', online: false },
    ]);
  });

  it('tells admins and operators how full the groups are, and nobody else', async () => {
    const viewer = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/**' }] });
    const [boss, watcher] = [await Listener.open(admin), await Listener.open(viewer)];
    await admin.client.call('PATCH', '/v1/groups/robots', { limits: { streams: 7 } });
    await until(() => boss.of('quota').some(({ scope, limit }) => scope === 'robots' && limit === 7), soon);
    await gateway.query(`UPDATE quota_counters SET used = 3 WHERE scope = 'robots'`);
    await streamOf('e1');
    await until(() => boss.of('quota').some(({ used }) => used === 3), soon);
    await gateway.query(`UPDATE quota_counters SET used = 0 WHERE scope = 'robots'`);
    await until(() => watcher.states().includes('robots/e1 live'), soon);
    expect(watcher.of('quota')).toEqual([]);
  });

  it('tells of alerts, and of what came of them, to who may watch the camera', async () => {
    const driver = await gateway.person('operator', {
      grants: [{ action: 'control', pattern: 'robots/e2' }],
    });
    const watcher = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/e2' }] });
    const [drives, watches] = [await Listener.open(driver), await Listener.open(watcher)];
    await gateway.query(
      `INSERT INTO alerts (robot_id, alert_id, camera, kind, confidence, happened_at, outcome)
         VALUES ('e2', 'a1', 'main', 'motion', 0.9, now(), 'recorded')`,
    );
    await streamOf('e2');
    await until(() => watches.of('alert').length === 1, soon);
    expect(watches.of('alert')[0]).toMatchObject({ robotId: 'e2', kind: 'motion', outcome: 'recorded' });
    await until(() => drives.states().includes('robots/e2 live'), soon);
    expect(drives.of('alert').length).toBe(0);
  });
});

describe('who hears what', () => {
  it('is decided by the rights at that moment', async () => {
    const viewer = await gateway.person('viewer', { grants: [{ action: 'read', pattern: 'robots/e1' }] });
    const listener = await Listener.open(viewer);
    await change(await streamOf('e2'), 'stopped');
    await streamOf('e1');
    await until(() => listener.states().includes('robots/e1 live'), soon);
    expect(listener.states().filter((line) => line.includes('e2'))).toEqual([]);
    await gateway.users.grant(viewer.username, { action: 'read', pattern: 'robots/e2' }, 'test');
    await until(
      async () => {
        await change(await streamOf('e2'), 'stopped');
        return listener.states().some((line) => line.includes('e2'));
      },
      { ...soon, everyMs: 200 },
    );
  });

  it('ends within two seconds of the account', async () => {
    const viewer = await gateway.person('viewer');
    const listener = await Listener.open(viewer);
    await gateway.query('UPDATE users SET disabled_at = now() WHERE id = $1', [viewer.id]);
    await until(() => listener.closed, { timeoutMs: 2_500 });
  });
});

describe('a client that comes back', () => {
  it('hears what it missed, once and in order', async () => {
    const first = await Listener.open(admin);
    const id = await streamOf('e1');
    await until(() => first.of('stream').some((one) => one.id === id), soon);
    const { id: lastEventId } = first.heard.find((one) => one.data.id === id)!;
    first.close();
    await change(id, 'stopping', 'user');
    await change(id, 'stopped', 'user');
    const again = await Listener.open(admin, { lastEventId });
    await until(() => again.of('stream').length === 2, soon);
    expect(again.of('reset')).toEqual([]);
    expect(again.of('stream').map(({ state }) => state)).toEqual(['stopping', 'stopped']);
  });

  it.each(['00000000-5', 'nonsense', '%00'])('with the id %s is told to start anew', async (lastEventId) => {
    const listener = await Listener.open(admin, { lastEventId });
    expect(listener.of('reset')).toEqual([{ reason: 'missed' }]);
  });

  it('does not hear what it may not hear any more', async () => {
    const viewer = await gateway.person('viewer', {
      grants: ['robots/e1', 'robots/e2'].map((pattern) => ({ action: 'read' as const, pattern })),
    });
    const first = await Listener.open(viewer);
    const lastEventId = /^id: (.*)$/m.exec(first.text)![1];
    await streamOf('e1');
    await streamOf('e2');
    await until(() => first.states().includes('robots/e2 live'), soon);
    expect(first.states()).toContain('robots/e1 live');
    first.close();
    await gateway.query(`DELETE FROM grants WHERE user_id = $1 AND pattern = 'robots/e1'`, [viewer.id]);
    // As long as an account may be remembered.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const again = await Listener.open(viewer, { lastEventId });
    await until(() => again.states().includes('robots/e2 live'), soon);
    expect(again.states().filter((line) => line.includes('e1'))).toEqual([]);
  });
});

describe('limits', () => {
  it('are five for one user, and one that went makes room', async () => {
    const viewer = await gateway.person('viewer');
    const five = await Promise.all([1, 2, 3, 4, 5].map(() => Listener.open(viewer)));
    const sixth = await viewer.client.get('/v1/events');
    expect(sixth).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS', used: 5, limit: 5 } });
    expect((await Listener.open(admin)).response.statusCode).toBe(200);
    five[0].close();
    await until(async () => (await Listener.open(viewer)).response.statusCode === 200, soon);
  });
});

describe('a client that does not read', () => {
  it('is sent away, while others hear everything', async () => {
    const id = await streamOf('e1');
    const [slow, quick] = [await Listener.open(admin), await Listener.open(admin)];
    slow.response.pause();
    const cut = once(slow.response, 'close');
    // More than the buffers of two kernels hold: a megabyte or so at a time.
    for (let round = 1; round <= 12; round += 1) {
      await gateway.query(
        `SELECT pg_notify('stream_changed', $1 || ' ' || repeat('x', 7000) || '-' || $2 || '-' || n) FROM generate_series(1, 150) n`,
        [id, round],
      );
      await until(() => quick.text.includes(`x-${round}-150"`), { timeoutMs: 10_000 });
    }
    slow.response.resume();
    await cut;
    expect(slow.text).not.toContain('x-12-150"');
    expect(quick.of('reset')).toEqual([]);
    expect(quick.closed).toBe(false);
  });
});

describe('when Postgres goes and comes back', () => {
  it('clients are told that they may have missed something, and hear on', async () => {
    const listener = await Listener.open(admin);
    await gateway.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'gateway-events-listen' AND datname = current_database()`,
    );
    await until(() => listener.of('reset').some(({ reason }) => reason === 'database'), soon);
    await streamOf('e2');
    await until(() => listener.states().includes('robots/e2 live'), soon);
    expect(listener.closed).toBe(false);
  });
});

describe('at shutdown', () => {
  it('ends the streams cleanly and does not wait for the clients', async () => {
    const other = await TestGateway.start();
    const person = await other.person('viewer');
    const kept = gateway;
    gateway = other;
    const listener = await Listener.open(person).finally(() => {
      gateway = kept;
    });
    const ended = once(listener.response, 'end');
    const started = performance.now();
    await other.stop();
    await ended;
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});
