import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { RestClient } from './support/client';
import { play } from './support/player';
import { familyOf, isAlive } from './support/processes';
import { RunningStack, type StackInfo } from './support/stack';
import { until } from '../support/until';

const hasMediaMtx = (): boolean => {
  try {
    execFileSync(process.env.MEDIAMTX_BIN ?? 'mediamtx', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const SERVERS = [
  { server: 'the stand-in', kind: 'embedded', environment: { MEDIAMTX_BIN: 'embedded' } },
  ...(hasMediaMtx() ? [{ server: 'a real MediaMTX', kind: 'mediamtx', environment: {} }] : []),
] as const;

jest.setTimeout(90_000);

describe.each(SERVERS)('go live through $server', ({ kind, environment }) => {
  let stack: RunningStack;
  let info: StackInfo;
  let admin: RestClient;
  let viewer: RestClient;

  beforeAll(async () => {
    stack = await RunningStack.start({ environment });
    info = stack.info;
    admin = await RestClient.login(info.gateway.url, info.accounts.admin);
    viewer = await RestClient.login(info.gateway.url, info.accounts.viewer);
    await until(async () => (await admin.get('/v1/robots/demo')).body.online, { timeoutMs: 15_000 });
  });

  afterAll(async () => {
    await stack?.stop();
    stack?.remove();
  });

  const encoders = (): number[] =>
    familyOf(stack.process.pid!)
      .filter(({ argv }) => /testsrc|videotestsrc/.test(argv))
      .map(({ pid }) => pid);

  const startLive = async (): Promise<any> => {
    const { status, body } = await admin.post('/v1/robots/demo/stream?wait=live', {});
    expect([200, 201]).toContain(status);
    expect(body.state).toBe('live');
    return body;
  };

  const stopAndWait = async (): Promise<void> => {
    await admin.delete('/v1/robots/demo/stream');
    await until(async () => (await admin.get('/v1/robots/demo/stream')).body.endedAt, { timeoutMs: 8_000 });
    await until(() => encoders().length === 0, { timeoutMs: 5_000 });
  };

  const asViewer = (url: string): string =>
    url.replace('://', `://${info.accounts.viewer.username}:${info.accounts.viewer.password}@`);

  it('says which media server it runs', () => {
    expect(info.media.kind).toBe(kind);
    expect(stack.output).toContain(kind === 'embedded' ? 'stand-in' : 'MediaMTX');
  });

  it('shows a moving picture over RTSP, RTMP and HLS, to two viewers at once', async () => {
    const { urls } = await startLive();
    const played = await Promise.all([
      play(urls.rtsp, { frames: 30 }),
      play(urls.rtmp, { frames: 30 }),
      play(urls.hls, { frames: 30, timeoutMs: 30_000 }),
    ]);
    for (const { frames, different } of played) {
      expect(frames).toBe(30);
      expect(different).toBeGreaterThan(20);
    }
    expect(encoders()).toHaveLength(1);
    await stopAndWait();
  });

  it('starts the same stream when asked twice', async () => {
    const first = await admin.post('/v1/robots/demo/stream?wait=ack', {});
    const again = await admin.post('/v1/robots/demo/stream?wait=live', {});
    expect(first.status).toBe(201);
    expect(again.status).toBe(200);
    expect(again.body.id).toBe(first.body.id);
    await stopAndWait();
  });

  it('lets a viewer with a password in, and no one with a wrong one, wrong path or wrong action', async () => {
    await startLive();
    const good = await play(`${asViewer(info.media.rtspUrl)}/robots/demo`, { frames: 5 });
    expect(good.frames).toBe(5);
    const wrongPassword = info.media.rtspUrl.replace('://', '://viewer:wrong-password@');
    const wrong = await play(`${wrongPassword}/robots/demo`, { frames: 5 });
    expect(wrong).toMatchObject({ frames: 0 });
    const { username, password } = info.accounts.viewer;
    const badRtmp = await play(`${info.media.rtmpUrl}/robots/demo?user=${username}&pass=not-${password}`, {
      frames: 5,
    });
    expect(badRtmp).toMatchObject({ frames: 0 });
    const { body } = await admin.get('/v1/robots/demo/stream');
    const ticket = (await viewer.post(`/v1/streams/${body.id}/tickets`, {})).body;
    const elsewhere = await play(`${info.media.rtspUrl}/robots/other?token=${ticket.ticket}`, { frames: 5 });
    expect(elsewhere).toMatchObject({ frames: 0 });
    const denied = (await fetch(`${info.auth.url}/metrics`)).text();
    expect(await denied).toMatch(
      /auth_decisions_total\{action="read",protocol="rtsp",result="deny",reason="WRONG_USER_OR_PASSWORD"\} [1-9]/,
    );
    await stopAndWait();
  });

  it('ends the encoder within two seconds of a stop', async () => {
    await startLive();
    const [encoder] = encoders();
    expect(encoder).toBeDefined();
    const { status, body } = await admin.delete('/v1/robots/demo/stream');
    expect(status).toBe(200);
    expect(['stopping', 'stopped']).toContain(body.state);
    await until(() => !isAlive(encoder), { timeoutMs: 2_000 });
    const ended = await until(
      async () => {
        const now = (await admin.get('/v1/robots/demo/stream')).body;
        return now.state === 'stopped' && now;
      },
      { timeoutMs: 5_000 },
    );
    expect(ended.cause).toBe('user');
    await until(
      async () =>
        /^streams_live(\{.*\})? 0$/m.test(await (await fetch(`${info.monitor.url}/metrics`)).text()),
      {
        timeoutMs: 5_000,
      },
    );
  });

  it('holds one slot for a stream, and none when it has ended', async () => {
    const slots = async (): Promise<any> =>
      (await admin.get('/v1/quotas')).body.items.find((item: { scope: string }) => item.scope === 'robots');
    await startLive();
    await until(async () => (await slots()).active === 1, { timeoutMs: 10_000 });
    expect(await slots()).toMatchObject({ used: 1, reserved: 0 });
    await stopAndWait();
    await until(async () => (await slots()).used === 0, { timeoutMs: 20_000 });
    const metrics = await (await fetch(`${info.monitor.url}/metrics`)).text();
    expect(metrics).toMatch(/^slots_drift 0$/m);
    expect(metrics).toMatch(/^stream_slots\{group="robots",state="active"\} 0$/m);
  });

  it('makes what the profile asks for', async () => {
    const started = await admin.post('/v1/robots/demo/stream?wait=live', {
      profile: { width: 320, height: 240, fps: 10, bitrateKbps: 300 },
    });
    expect(started.status).toBe(201);
    const api = new URL(info.media.apiUrl);
    const authorization = `Basic ${Buffer.from(`${api.username}:${api.password}`).toString('base64')}`;
    const path = await fetch(`${api.origin}/v3/paths/get/robots/demo`, { headers: { authorization } });
    const { tracks2 } = (await path.json()) as {
      tracks2: { codec: string; codecProps: { width: number; height: number } }[];
    };
    expect(tracks2[0]).toMatchObject({ codec: 'H264', codecProps: { width: 320, height: 240 } });
    await stopAndWait();
  });

  it.each([
    ['profile.width', { profile: { width: 0, height: 0, fps: 15, bitrateKbps: 500 } }],
    ['profile.fps', { profile: { width: 640, height: 360, fps: 1e9, bitrateKbps: 500 } }],
    ['profile.bitrateKbps', { profile: { width: 640, height: 360, fps: 15, bitrateKbps: 'fast' } }],
    ['camera', { camera: '../../etc' }],
    ['surprise', { surprise: 1 }],
  ])('refuses a bad %s by its name and starts nothing', async (field, request) => {
    const { status, body, headers } = await admin.post('/v1/robots/demo/stream', request);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body.fields.map((problem: { field: string }) => problem.field)).toContain(field);
    expect(encoders()).toEqual([]);
  });

  it('keeps to who may do what', async () => {
    expect((await viewer.post('/v1/robots/demo/stream', {})).status).toBe(403);
    expect((await admin.post('/v1/robots/nobody/stream', {})).status).toBe(404);
    expect((await new RestClient(info.gateway.url).post('/v1/robots/demo/stream', {})).status).toBe(401);
  });

  it('refuses at once to start a robot that is not there', async () => {
    await admin.post('/v1/robots', { id: 'absent' });
    const { status, body } = await admin.post('/v1/robots/absent/stream', {});
    expect(status).toBe(503);
    expect(body.code).toBe('ROBOT_OFFLINE');
  });

  it('stops a stream that nobody watches once its lease is over', async () => {
    const { status } = await admin.post('/v1/robots/demo/stream?wait=live', { leaseSeconds: 5 });
    expect(status).toBe(201);
    const ended = await until(
      async () => {
        const now = (await admin.get('/v1/robots/demo/stream')).body;
        return now.endedAt && now;
      },
      { timeoutMs: 25_000 },
    );
    expect(ended.cause).toBe('last_viewer_left');
    await until(() => encoders().length === 0, { timeoutMs: 3_000 });
  });

  it('describes every call in Swagger', async () => {
    expect((await fetch(`${info.gateway.url}/docs`)).status).toBe(200);
    const { paths } = (await admin.get('/docs-json')).body as {
      paths: Record<string, Record<string, { summary?: string }>>;
    };
    const unexplained = Object.entries(paths).flatMap(([path, calls]) =>
      Object.entries(calls).flatMap(([method, { summary }]) => (summary ? [] : [`${method} ${path}`])),
    );
    expect(unexplained).toEqual([]);
    expect(Object.keys(paths).length).toBeGreaterThan(10);
  });

  it('answers the older bridge', async () => {
    expect(await admin.get('/')).toMatchObject({
      status: 200,
      body: { msg: 'Media bridge service running!' },
    });
    expect(await admin.post('/stream/start')).toMatchObject({
      status: 200,
      body: { msg: 'Published start' },
    });
    expect(await admin.post('/stream/stop')).toMatchObject({ status: 200, body: { msg: 'Published stop' } });
    expect((await new RestClient(info.gateway.url).post('/stream/start')).status).toBe(401);
  });

  it('leaves no secret in any log and no process behind', async () => {
    const { admin: one, viewer: two } = info.accounts;
    const logs = stack.logs();
    expect(logs.length).toBeGreaterThan(1000);
    expect(logs).not.toContain(one.password);
    expect(logs).not.toContain(two.password);
    expect(logs).not.toMatch(/rk_[A-Za-z0-9_-]{43}/);
    expect(logs).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{43}/);
    const family = familyOf(stack.process.pid!).map(({ pid }) => pid);
    expect(family.length).toBeGreaterThan(4);
    expect(await stack.stop()).toBe(0);
    await until(() => family.every((pid) => !isAlive(pid)), { timeoutMs: 5_000 });
  });
});

describe('a port that is taken', () => {
  it('moves to the next free one and says so', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await until(() => blocker.listening, { timeoutMs: 1_000 });
    const { port } = blocker.address() as { port: number };
    const stack = await RunningStack.start({
      environment: { MEDIAMTX_BIN: 'embedded' },
      args: ['--no-robot', '--port', String(port)],
    });
    try {
      expect(stack.info.gateway.url).not.toContain(`:${port}`);
      expect(stack.output).toContain(String(port));
    } finally {
      await stack.stop();
      stack.remove();
      blocker.close();
    }
  });
});
