import { api, listed, pathOf } from './api-calls';
import { HOLD_TIMEOUT_MS, type MediaServer, reportMissingBinary, variants } from './media-servers';
import { RecordingHook, TICKET } from './recording-hook';
import { hasGstreamer, type RawRtsp, Tools } from './tools';
import { until } from './until';

const PATIENCE = { timeoutMs: 12_000 };
const FRAMES = 10;

reportMissingBinary();

describe.each(variants)('media through $name', ({ start }) => {
  const hook = new RecordingHook();
  const tools = new Tools();
  const lasting = new Tools();
  let server: MediaServer;
  let silent: RawRtsp;

  beforeAll(async () => {
    await hook.start();
    server = await start(hook.url);
    silent = lasting.rtsp(server.rtmp);
  });
  afterEach(() => tools.cleanUp());
  afterAll(async () => {
    await lasting.cleanUp();
    await server.close();
    await hook.stop();
  });

  const live = (path: string) => until(async () => (await pathOf(server, path))?.available, PATIENCE);
  const gone = (path: string) => until(async () => !(await pathOf(server, path))?.available, PATIENCE);
  const readUrls = (path: string) => [
    `${server.rtmp}/${path}?${TICKET}`,
    `${server.rtsp}/${path}?${TICKET}`,
    `${server.hls}/${path}/index.m3u8?${TICKET}`,
  ];
  const decodeAll = (path: string) =>
    Promise.all(readUrls(path).map((url) => tools.decodedFrames(url, FRAMES)));

  it.each(['rtmp', 'rtsp'] as const)('goes from FFmpeg over %s to RTMP, RTSP and HLS', async (protocol) => {
    tools.publish(`${server[protocol]}/ff/${protocol}?${TICKET}`);
    await live(`ff/${protocol}`);
    expect(await decodeAll(`ff/${protocol}`)).toEqual([FRAMES, FRAMES, FRAMES]);
  });

  (hasGstreamer ? it.each : it.skip.each)([
    ['rtmp', 'rtsp'],
    ['rtsp', 'rtmp'],
  ] as const)('goes from GStreamer over %s to a reader over %s', async (from, to) => {
    tools.publishWithGstreamer(`${server[from]}/gst/${from}?${TICKET}`);
    await live(`gst/${from}`);
    expect(await tools.decodedFrames(`${server[to]}/gst/${from}?${TICKET}`, FRAMES)).toBe(FRAMES);
  });

  it('lets a second publisher take over, the first being sent away', async () => {
    const first = tools.publish(`${server.rtsp}/over?${TICKET}`);
    await live('over');
    const before = await pathOf(server, 'over');
    tools.publish(`${server.rtsp}/over?${TICKET}`);
    await first.exited;
    await live('over');
    expect((await pathOf(server, 'over')).source.id).not.toBe(before.source.id);
    expect(await tools.decodedFrames(`${server.rtsp}/over?${TICKET}`, FRAMES)).toBe(FRAMES);
  });

  it('sends readers away when the publisher leaves', async () => {
    const publisher = tools.publish(`${server.rtsp}/leave?${TICKET}`);
    await live('leave');
    const readers = [
      tools.read(`${server.rtsp}/leave?${TICKET}`),
      tools.read(`${server.rtmp}/leave?${TICKET}`),
    ];
    await until(async () => (await pathOf(server, 'leave')).readers.length === 2, PATIENCE);
    await publisher.stop();
    await Promise.all(readers.map(({ exited }) => exited));
    await gone('leave');
    expect((await fetch(`${server.hls}/leave/index.m3u8?${TICKET}`)).status).toBe(404);
  });

  describe('a path that holds its readers', () => {
    it('gives pictures to everybody who came before the publisher', async () => {
      const frames = Promise.all([
        tools.decodedFrames(`${server.rtsp}/hold/a?${TICKET}`, FRAMES),
        tools.decodedFrames(`${server.rtmp}/hold/a?${TICKET}`, FRAMES),
      ]);
      const index = fetch(`${server.hls}/hold/a/index.m3u8?${TICKET}`);
      await until(() => hook.about('hold/a').length === 3, PATIENCE);
      expect(await pathOf(server, 'hold/a')).toMatchObject({
        available: false,
        online: false,
        source: null,
        readers: [],
      });
      tools.publish(`${server.rtsp}/hold/a?${TICKET}`);
      expect(await frames).toEqual([FRAMES, FRAMES]);
      expect((await index).status).toBe(200);
    });

    it('sends them away when nobody publishes in time, as a bad request and not as a stream that is missing', async () => {
      const startedAt = Date.now();
      const rtsp = tools.rtsp(server.rtsp).ask('DESCRIBE', `${server.rtsp}/hold/b?${TICKET}`);
      const hls = fetch(`${server.hls}/hold/b/index.m3u8?${TICKET}`);
      const rtmp = tools.read(`${server.rtmp}/hold/b?${TICKET}`);
      expect((await rtsp).status).toBe(400);
      const answer = await hls;
      expect([answer.status, await answer.json()]).toEqual([
        500,
        { status: 'error', error: "source of path 'hold/b' has timed out" },
      ]);
      expect(await rtmp.exited).not.toBe(0);
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(HOLD_TIMEOUT_MS - 200);
      await until(async () => !(await pathOf(server, 'hold/b')), PATIENCE);
    });
  });

  describe('hostile clients', () => {
    it.each([
      ['zeros', Buffer.alloc(5_000)],
      ['ones', Buffer.alloc(5_000, 0xff)],
      ['text', Buffer.from('hello\r\n\r\n'.repeat(500))],
      ['an interleaved frame out of nowhere', Buffer.from([0x24, 0, 0, 4, 1, 2, 3, 4])],
      ['an RTMP version and garbage', Buffer.concat([Buffer.from([3]), Buffer.alloc(8_000, 0x5a)])],
      ['an endless header', Buffer.from(`OPTIONS rtsp://x RTSP/1.0\r\nA: ${'a'.repeat(100_000)}`)],
    ])('sending %s do not hurt the others', async (_name, bytes) => {
      const { port: rtmpPort } = new URL(server.rtmp);
      for (const port of [
        rtmpPort,
        ...[server.rtsp, server.hls, server.apiUrl].map((url) => new URL(url).port),
      ]) {
        tools.rtsp(`tcp://127.0.0.1:${port}`).write(bytes);
      }
      expect((await api(server, 'info')).status).toBe(200);
      const client = tools.rtsp(server.rtsp);
      expect((await client.ask('OPTIONS', `${server.rtsp}/x`)).status).toBe(200);
    });

    it('that connect to the RTMP port and say nothing are hung up on', async () => {
      await until(() => silent.closed, PATIENCE);
      await until(async () => (await listed(server, 'rtmpconns')).length === 0, PATIENCE);
    });
  });
});
