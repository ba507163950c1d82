import { startStandin, type Standin } from '@rovercast/standin';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RestClient } from './support/client';
import { ffmpegPath, play } from './support/player';
import { familyOf } from './support/processes';
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
  { server: 'the stand-in', environment: { MEDIAMTX_BIN: 'embedded' } },
  ...(hasMediaMtx() ? [{ server: 'a real MediaMTX', environment: {} }] : []),
];

jest.setTimeout(120_000);

/** A video management system: an RTSP server that shows one picture to who knows the password. */
class Vms {
  private constructor(
    private readonly door: Server,
    private readonly server: Standin,
    private readonly encoder: ChildProcess,
  ) {}

  static readonly login = 'vmsuser:vms-password';

  static async start(): Promise<Vms> {
    const door = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += String(text)));
      request.on('end', () => {
        const { user, password } = JSON.parse(body) as Record<string, string>;
        response.writeHead(`${user}:${password}` === Vms.login || user === 'api' ? 204 : 401).end();
      });
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    const authUrl = `http://127.0.0.1:${(door.address() as AddressInfo).port}/`;
    const ports = { rtmpPort: 0, rtspPort: 0, hlsPort: 0, apiPort: 0 };
    const server = await startStandin({ host: '127.0.0.1', ...ports, authUrl, ffmpegPath: ffmpegPath() });
    const target = `${server.urls.rtspUrl.replace('://', `://${Vms.login}@`)}/gate7`;
    const encoder = spawn(
      ffmpegPath(),
      ['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=s=320x240:r=15']
        .concat(['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '15'])
        .concat(['-f', 'rtsp', '-rtsp_transport', 'tcp', target]),
      { stdio: 'ignore' },
    );
    const vms = new Vms(door, server, encoder);
    await until(async () => (await vms.path())?.available, { timeoutMs: 15_000 });
    return vms;
  }

  get source(): string {
    return `${this.server.urls.rtspUrl.replace('://', `://${Vms.login}@`)}/gate7`;
  }

  async readers(): Promise<number> {
    return (await this.path())?.readers.length ?? 0;
  }

  async stop(): Promise<void> {
    this.encoder.kill('SIGKILL');
    await this.server.close();
    this.door.close();
    this.door.closeAllConnections();
  }

  private async path(): Promise<{ available: boolean; readers: unknown[] } | undefined> {
    const headers = { authorization: `Basic ${Buffer.from('api:api').toString('base64')}` };
    const answer = await fetch(`${this.server.urls.apiUrl}/v3/paths/get/gate7`, { headers });
    return answer.ok ? ((await answer.json()) as { available: boolean; readers: unknown[] }) : undefined;
  }
}

describe.each(SERVERS)('on demand through $server', ({ environment }) => {
  let stack: RunningStack;
  let info: StackInfo;
  let admin: RestClient;
  let vms: Vms;

  beforeAll(async () => {
    [stack, vms] = await Promise.all([
      RunningStack.start({ environment: { ...environment, CAMERA_PRIVATE_SOURCES: 'true' } }),
      Vms.start(),
    ]);
    info = stack.info;
    admin = await RestClient.login(info.gateway.url, info.accounts.admin);
    await until(async () => (await admin.get('/v1/robots/demo')).body.online, { timeoutMs: 15_000 });
  });

  afterAll(async () => {
    await stack?.stop();
    await vms?.stop();
    stack?.remove();
  });

  const encoders = (): number[] =>
    familyOf(stack.process.pid!)
      .filter(({ argv }) => /testsrc|videotestsrc/.test(argv))
      .map(({ pid }) => pid);

  const as = (account: { username: string; password: string }, url: string): string =>
    url.replace('://', `://${account.username}:${account.password}@`);

  const newest = async (): Promise<any> => (await admin.get('/v1/robots/demo/stream')).body;

  it('wakes a sleeping robot for whoever opens its URL, and lets it sleep again when they have left', async () => {
    expect((await newest()).state).toBe('idle');
    const { frames, different } = await play(`${as(info.accounts.viewer, info.media.rtspUrl)}/robots/demo`, {
      frames: 20,
    });
    const left = performance.now();
    expect(frames).toBe(20);
    expect(different).toBeGreaterThan(15);
    await until(async () => (await newest()).endedAt, { timeoutMs: 25_000, everyMs: 200 });
    await until(() => encoders().length === 0, { timeoutMs: 25_000 - (performance.now() - left) });
    // It was stopped because nobody watched, and not while the first viewer was on the way in.
    expect(await newest()).toMatchObject({ state: 'stopped', cause: 'last_viewer_left' });
    expect(performance.now() - left).toBeGreaterThan(8_000);
  });

  it.each(['RTMP', 'HLS'])('wakes it for a player of %s', async (protocol) => {
    const { username, password } = info.accounts.viewer;
    const url = {
      RTMP: `${info.media.rtmpUrl}/robots/demo?user=${username}&pass=${password}`,
      HLS: `${info.media.hlsUrl}/robots/demo/index.m3u8?user=${username}&pass=${password}`,
    }[protocol]!;
    expect(await play(url, { frames: 20, timeoutMs: 40_000 })).toMatchObject({ frames: 20 });
    await admin.delete('/v1/robots/demo/stream');
    await until(async () => (await newest()).endedAt, { timeoutMs: 8_000 });
  });

  it('wakes it once for many, and again right after somebody stopped it', async () => {
    const url = `${as(info.accounts.viewer, info.media.rtspUrl)}/robots/demo`;
    const played = await Promise.all(Array.from({ length: 3 }, () => play(url, { frames: 10 })));
    expect(played.map(({ frames }) => frames)).toEqual([10, 10, 10]);
    expect(encoders()).toHaveLength(1);
    const { id } = await newest();
    await admin.delete('/v1/robots/demo/stream');
    await until(async () => (await newest()).endedAt, { timeoutMs: 8_000 });
    expect((await play(url, { frames: 10, timeoutMs: 30_000 })).frames).toBe(10);
    expect((await newest()).id).not.toBe(id);
    await admin.delete('/v1/robots/demo/stream');
    await until(async () => (await newest()).endedAt, { timeoutMs: 8_000 });
  });

  it('wakes it for nobody with a wrong password, nor on a path that they may not watch', async () => {
    const before = (await newest()).id;
    const wrong = { ...info.accounts.viewer, password: 'not-the-password' };
    expect((await play(`${as(wrong, info.media.rtspUrl)}/robots/demo`, { frames: 5 })).frames).toBe(0);
    expect((await play(`${info.media.rtspUrl}/robots/demo`, { frames: 5 })).frames).toBe(0);
    const camera = `${as(info.accounts.viewer, info.media.rtspUrl)}/cameras/none`;
    expect((await play(camera, { frames: 5 })).frames).toBe(0);
    expect((await newest()).id).toBe(before);
    expect(encoders()).toEqual([]);
  });

  it('pulls a camera while somebody watches, and not a moment longer than it takes to be sure', async () => {
    const added = await admin.post('/v1/cameras', { id: 'gate7', name: 'Gate 7', source: vms.source });
    expect(added.status).toBe(201);
    expect(added.body.source).toContain('vmsuser:***@');
    const ticket = await until(async () => {
      const { status, body } = await admin.post('/v1/cameras/gate7/tickets', {});
      return status === 201 && body;
    });
    await until(async () => (await configured()).includes('cameras/gate7'), { timeoutMs: 7_000 });
    expect(await vms.readers()).toBe(0);
    let most = 0;
    const watch = setInterval(() => void vms.readers().then((now) => (most = Math.max(most, now))), 100);
    const played = await Promise.all(
      Array.from({ length: 2 }, () => play(ticket.urls.rtsp, { frames: 20, timeoutMs: 20_000 })),
    );
    clearInterval(watch);
    expect(played.map(({ frames }) => frames)).toEqual([20, 20]);
    expect(most).toBe(1);
    await until(async () => (await vms.readers()) === 0, { timeoutMs: 15_000, everyMs: 100 });
  });

  it('does not let watch who has no right to a camera, until there is one', async () => {
    const url = `${as(info.accounts.viewer, info.media.rtspUrl)}/cameras/gate7`;
    expect((await play(url, { frames: 5 })).frames).toBe(0);
    expect(await vms.readers()).toBe(0);
  });

  it('forgets a camera that was removed', async () => {
    expect((await admin.delete('/v1/cameras/gate7')).status).toBe(204);
    await until(async () => !(await configured()).includes('cameras/gate7'), { timeoutMs: 7_000 });
  });

  it('has written no credential of a source or a viewer to any log', () => {
    const logs = stack.logs();
    expect(logs).toContain('cameras/gate7');
    expect(logs).not.toContain('vms-password');
    expect(logs).not.toContain(info.accounts.viewer.password);
  });

  async function configured(): Promise<string[]> {
    const api = new URL(info.media.apiUrl);
    const authorization = `Basic ${Buffer.from(`${api.username}:${api.password}`).toString('base64')}`;
    const answer = await fetch(`${api.origin}/v3/config/paths/list?itemsPerPage=1000`, {
      headers: { authorization },
    });
    const { items } = (await answer.json()) as { items: { name: string }[] };
    return items.map(({ name }) => name);
  }
});
