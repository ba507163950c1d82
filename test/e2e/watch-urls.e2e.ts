import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until';
import { RestClient } from './support/client';
import { ffmpegPath, play } from './support/player';
import { RunningStack, type StackInfo } from './support/stack';

const works = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const SERVERS = [
  { server: 'the stand-in', kind: 'embedded', environment: { MEDIAMTX_BIN: 'embedded' } },
  ...(works(process.env.MEDIAMTX_BIN ?? 'mediamtx', '--version')
    ? [{ server: 'a real MediaMTX', kind: 'mediamtx', environment: {} }]
    : []),
] as const;

const hasGst = (element: string): boolean => works('gst-inspect-1.0', '--exists', element);
const hasSrt = execFileSync(ffmpegPath(), ['-v', 'error', '-protocols'], { encoding: 'utf8' }).includes(
  ' srt\n',
);
const onlyIf = (condition: boolean): typeof it => (condition ? it : it.skip);

jest.setTimeout(90_000);

/** A shell as a user's, on a machine without a display; a player that is not installed is played by FFmpeg. */
class Shell {
  private readonly folder = mkdtempSync(join(tmpdir(), 'rovercast-tools-'));
  private readonly running = new Set<ChildProcess>();

  constructor() {
    const decode = `for last; do :; done\nexec '${ffmpegPath()}' -nostdin -rtsp_transport tcp -i "$last" -an -f null -\n`;
    // VLC wants a desktop: its URL is played by FFmpeg, installed or not.
    this.tool('vlc', decode);
    if (!works('ffplay', '-version')) this.tool('ffplay', decode);
    if (!works('ffmpeg', '-version')) this.tool('ffmpeg', `exec '${ffmpegPath()}' "$@"\n`);
  }

  /** Starts a command as it is printed; `said` grows. */
  run(command: string): { said: () => string; ended: () => boolean } {
    let output = '';
    const child = spawn('/bin/sh', ['-c', command], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${this.folder}:${process.env.PATH ?? ''}`,
        SDL_VIDEODRIVER: 'dummy',
        SDL_AUDIODRIVER: 'dummy',
        GST_PLUGIN_FEATURE_RANK: 'fakevideosink:MAX',
        GST_DEBUG: 'basesink:6',
        GST_DEBUG_NO_COLOR: '1',
      },
    });
    const take = (text: Buffer): void => void (output = (output + text.toString()).slice(-200_000));
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    this.running.add(child);
    child.on('exit', () => this.running.delete(child));
    return { said: () => output, ended: () => child.exitCode !== null };
  }

  /** Ends what still runs, with its children. */
  async quiet(): Promise<void> {
    const children = [...this.running];
    for (const { pid } of children) process.kill(-(pid as number), 'SIGKILL');
    await until(() => this.running.size === 0, { timeoutMs: 3_000 });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private tool(name: string, script: string): void {
    const file = join(this.folder, name);
    writeFileSync(file, `#!/bin/sh\n${script}`);
    chmodSync(file, 0o755);
  }
}

describe.each(SERVERS)('the URLs of a ticket on $server', ({ kind, environment }) => {
  const real = kind === 'mediamtx';
  let stack: RunningStack;
  let info: StackInfo;
  let admin: RestClient;
  let shell: Shell;
  /** To watch the demo robot, whose own agent publishes. */
  let watching: any;
  /** The id of a stream whose robot is of the older kind: its path is free to be published to. */
  let studio: string;

  beforeAll(async () => {
    shell = new Shell();
    stack = await RunningStack.start({ environment });
    info = stack.info;
    admin = await RestClient.login(info.gateway.url, info.accounts.admin);
    await until(async () => (await admin.get('/v1/robots/demo')).body.online, { timeoutMs: 20_000 });
    const live = await admin.post('/v1/robots/demo/stream?wait=live', { leaseSeconds: 600 });
    expect(live.body.state).toBe('live');
    const viewer = await RestClient.login(info.gateway.url, info.accounts.viewer);
    watching = (await viewer.post(`/v1/streams/${live.body.id}/tickets`, {})).body;
    await admin.post('/v1/robots', { id: 'studio', kind: 'legacy', legacyTopic: 'robot/studio' });
    await admin.post('/v1/robots/studio/stream?wait=none', { leaseSeconds: 600 });
    studio = (await admin.get('/v1/robots/studio/stream')).body.id;
  });

  afterEach(() => shell?.quiet());

  afterAll(async () => {
    await stack?.stop();
    stack?.remove();
    shell?.remove();
  });

  const ticket = async (request: object): Promise<any> => {
    const { status, body } = await admin.post(`/v1/streams/${studio}/tickets`, request);
    expect(status).toBe(201);
    return body;
  };

  /** Runs a printed command until it says that pictures arrive. */
  const watch = async (command: string, sign: RegExp): Promise<void> => {
    const { said, ended } = shell.run(command);
    await until(() => sign.test(said()) || ended(), { timeoutMs: 20_000 });
    expect(said()).toMatch(sign);
  };

  /** Runs a printed command that publishes, and decodes what arrives with a ticket of its own. */
  const publish = async (command: string): Promise<void> => {
    const { urls } = await ticket({ action: 'read' });
    const { said, ended } = shell.run(command);
    const picture = await until(
      async () => {
        if (ended()) throw new Error(`it ended:\n${said().slice(-2_000)}`);
        const played = await play(urls.rtsp, { frames: 10, timeoutMs: 8_000 });
        return played.frames === 10 ? played : undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(picture.different).toBeGreaterThan(5);
  };

  it('play in VLC', () => watch(watching.commands.vlc, /frame= *[1-9]\d+/));

  it('play in ffplay', () => watch(watching.commands.ffplay, /Stream #0:0.*Video: h264[^\n]*640x360/));

  // The stand-in does not find the ticket in rtspsrc's SETUP; MediaMTX does.
  onlyIf(real && hasGst('rtspsrc') && hasGst('fakevideosink'))('play in GStreamer', () =>
    watch(watching.commands.gstreamerPlay, /(rendering object[^]*){5}/),
  );

  it.each(['rtsp', 'rtmp', 'hls'])('play over %s', async (protocol) => {
    expect(await play(watching.urls[protocol], { frames: 10, timeoutMs: 30_000 })).toMatchObject({
      frames: 10,
    });
  });

  onlyIf(real && hasSrt)('play over SRT', async () => {
    expect(await play(watching.urls.srt, { frames: 10 })).toMatchObject({ frames: 10 });
  });

  onlyIf(real)('open the pages and the WHEP endpoint of a browser, and only with the ticket', async () => {
    const { whep, hlsPage, webrtcPage } = watching.commands.browser;
    const ask = async (url: string, request: RequestInit = {}): Promise<number> =>
      (await fetch(url, request)).status;
    const bare = (url: string): string => url.replace(/\?.*$/, '');
    for (const page of [hlsPage, webrtcPage, watching.commands.qr]) expect(await ask(page)).toBe(200);
    expect(await ask(whep, { method: 'OPTIONS' })).toBe(204);
    expect(await ask(bare(whep), { method: 'OPTIONS' })).toBe(401);
    const offer = { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: 'v=0' };
    expect(await ask(whep, offer)).toBe(400);
    expect(await ask(bare(whep), offer)).toBe(401);
  });

  it('publish with FFmpeg', async () =>
    publish((await ticket({ action: 'publish' })).commands.ffmpegPublish));

  it('publish with FFmpeg over RTMP', async () =>
    publish((await ticket({ action: 'publish' })).commands.ffmpegPublishRtmp));

  onlyIf(real && hasSrt)('publish with FFmpeg over SRT', async () =>
    publish((await ticket({ action: 'publish' })).commands.ffmpegPublishSrt),
  );

  onlyIf(hasGst('rtspclientsink') && hasGst('x264enc'))('publish with GStreamer', async () =>
    publish((await ticket({ action: 'publish' })).commands.gstreamerPublish),
  );

  it('publish from OBS, which hands server and key to RTMP apart', async () => {
    const { obs } = (await ticket({ action: 'publish' })).commands;
    const app = new URL(obs.server).pathname.slice(1);
    await publish(
      `ffmpeg -re -f lavfi -i testsrc2=size=320x180:rate=10 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -f flv -rtmp_app '${app}' -rtmp_playpath '${obs.streamKey}' '${obs.server}'`,
    );
  });

  it('do not publish with a ticket to watch, or to another path', async () => {
    const { ticket: read } = await ticket({ action: 'read' });
    const { ticket: good, commands } = await ticket({ action: 'publish' });
    for (const bad of [
      commands.ffmpegPublishRtmp.replace(good, read),
      commands.ffmpegPublishRtmp.replace('robots/studio', 'robots/studio/rear'),
    ]) {
      const { ended } = shell.run(bad);
      await until(() => ended(), { timeoutMs: 15_000 });
    }
    const { urls } = await ticket({ action: 'read' });
    expect(await play(urls.rtsp, { frames: 1, timeoutMs: 5_000 })).toMatchObject({ frames: 0 });
  });

  it('of a share link work until it is revoked', async () => {
    const share = (await admin.post('/v1/shares', { path: 'robots/demo', name: 'guests' })).body;
    expect(await play(share.urls.rtsp, { frames: 5 })).toMatchObject({ frames: 5 });
    expect((await admin.delete(`/v1/shares/${share.id}`)).status).toBe(202);
    await until(async () => (await play(share.urls.rtsp, { frames: 5 })).frames === 0, { timeoutMs: 5_000 });
    expect(await play(watching.urls.rtsp, { frames: 5 })).toMatchObject({ frames: 5 });
  });
});
