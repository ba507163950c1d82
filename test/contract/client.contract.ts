import { MediaMtxClient, kindOfEndpoint } from '@rovercast/mediamtx';
import { type MediaServer, reportMissingBinary, variants, withLogin } from './media-servers';
import { RecordingHook, TICKET } from './recording-hook';
import { Tools } from './tools';
import { until } from './until';

const PATIENCE = { timeoutMs: 12_000 };

reportMissingBinary();

describe.each(variants)('our API client against $name', ({ start }) => {
  const hook = new RecordingHook();
  const tools = new Tools();
  let server: MediaServer;
  let client: MediaMtxClient;

  beforeAll(async () => {
    await hook.start();
    server = await start(hook.url);
    client = new MediaMtxClient({ apiUrl: withLogin(server.apiUrl), timeoutMs: 3_000 });
  });
  afterEach(() => tools.cleanUp());
  afterAll(async () => {
    await server.close();
    await hook.stop();
  });

  it('takes a snapshot of nothing', async () => {
    const snapshot = await client.snapshot();
    expect(snapshot).toMatchObject({ node: { version: 'v1.20.1' }, paths: [], sessions: [] });
    expect(snapshot.node.started).toBe((await client.info()).started);
  });

  it('sees publishers and readers of every protocol, without their queries, and kicks them', async () => {
    tools.publish(`${server.rtmp}/robots/r1?user=good&pass=pass`);
    await until(async () => (await client.listPaths())[0]?.available, PATIENCE);
    tools.read(`${withLogin(server.rtsp)}/robots/r1`);
    await fetch(`${server.hls}/robots/r1/index.m3u8?${TICKET}`);
    const snapshot = await until(async () => {
      const now = await client.snapshot();
      return now.paths[0]?.readers.length === 2 && now.sessions.every((s) => s.state !== 'idle') && now;
    }, PATIENCE);

    expect(snapshot.paths).toMatchObject([
      {
        name: 'robots/r1',
        available: true,
        availableAt: expect.any(Date),
        online: true,
        tracks: [{ codec: 'H264', width: 320, height: 240 }, { codec: 'MPEG-4 Audio' }],
      },
    ]);
    const sessions = [...snapshot.sessions].sort((a, b) => a.protocol.localeCompare(b.protocol));
    expect(sessions).toMatchObject([
      { protocol: 'hls', state: 'read', user: '', kind: 'hlssessions' },
      { protocol: 'rtmp', state: 'publish', user: 'good', kind: 'rtmpconns' },
      { protocol: 'rtsp', state: 'read', user: 'good', kind: 'rtspsessions' },
    ]);
    expect(JSON.stringify(snapshot)).not.toMatch(/ticket|pass=/);

    const [path] = snapshot.paths;
    for (const { type, id } of [...(path?.readers ?? []), ...(path?.source ? [path.source] : [])]) {
      const kind = kindOfEndpoint(type);
      expect(kind).toBeDefined();
      if (kind) await client.kick(kind, id);
      if (kind) await client.kick(kind, id);
    }
    await until(async () => (await client.snapshot()).sessions.length === 0, PATIENCE);
  });

  it('says that it may not', async () => {
    const stranger = new MediaMtxClient({ apiUrl: server.apiUrl, timeoutMs: 3_000 });
    await expect(stranger.snapshot()).rejects.toMatchObject({ kind: 'unauthorized' });
  });

  it('says that a server is not served', async () => {
    await expect(client.kick('srtconns', '11111111-1111-4111-8111-111111111111')).rejects.toMatchObject({
      kind: 'status',
    });
  });
});
