import { api, listed, pathOf, schemaProblems } from './api-calls';
import { type MediaServer, reportMissingBinary, variants } from './media-servers';
import { RecordingHook, TICKET } from './recording-hook';
import { Tools } from './tools';
import { until } from './until';

const SOME_ID = '11111111-1111-4111-8111-111111111111';
const PATIENCE = { timeoutMs: 12_000 };

reportMissingBinary();

describe.each(variants)('the v3 API of $name', ({ start }) => {
  const hook = new RecordingHook();
  const tools = new Tools();
  let server: MediaServer;

  beforeAll(async () => {
    await hook.start();
    server = await start(hook.url);
  });
  afterAll(async () => {
    await tools.cleanUp();
    await server.close();
    await hook.stop();
  });

  describe('with nobody there', () => {
    it('says what it is', async () => {
      const { json, headers } = await api(server, 'info');
      expect(schemaProblems('Info', json)).toEqual([]);
      expect(json.version).toBe('v1.20.1');
      expect(Math.abs(Date.parse(json.started as string) - Date.now())).toBeLessThan(60_000);
      expect(headers.get('server')).toBe('mediamtx');
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    });

    it.each(['paths', 'rtspconns', 'rtspsessions', 'rtmpconns', 'hlssessions', 'hlsmuxers'])(
      'lists no %s',
      async (kind) => {
        expect((await api(server, `${kind}/list`)).json).toEqual({ itemCount: 0, pageCount: 0, items: [] });
      },
    );

    it.each([
      ['GET', 'paths/get/zzz', 404, 'path not found'],
      ['GET', 'paths/get/a/b/c', 404, 'path not found'],
      ['GET', 'paths/get/', 400, 'invalid name'],
      ['GET', 'hlsmuxers/get/zzz', 404, 'muxer not found'],
      ['GET', `rtspconns/get/${SOME_ID}`, 404, 'connection not found'],
      ['GET', `rtspsessions/get/${SOME_ID}`, 404, 'session not found'],
      ['GET', `rtmpconns/get/${SOME_ID}`, 404, 'connection not found'],
      ['GET', `hlssessions/get/${SOME_ID}`, 404, 'session not found'],
      ['POST', `rtspsessions/kick/${SOME_ID}`, 404, 'session not found'],
      ['POST', `rtmpconns/kick/${SOME_ID}`, 404, 'connection not found'],
      ['POST', `hlssessions/kick/${SOME_ID}`, 404, 'session not found'],
      ['GET', `rtmpconns/get/${SOME_ID.replaceAll('-', '')}`, 404, 'connection not found'],
      ['GET', `rtmpconns/get/{${SOME_ID}}`, 404, 'connection not found'],
      ['GET', `rtmpconns/get/urn:uuid:${SOME_ID}`, 404, 'connection not found'],
      ['GET', 'rtmpconns/get/abc', 400, 'invalid UUID length: 3'],
      ['POST', 'rtmpconns/kick/abc', 400, 'invalid UUID length: 3'],
      ['GET', `rtmpconns/get/z${SOME_ID.slice(1)}`, 400, 'invalid UUID format'],
      ['GET', 'paths/list?itemsPerPage=0', 400, 'invalid items per page'],
      ['GET', 'paths/list?itemsPerPage=x', 400, 'strconv.ParseUint: parsing "x": invalid syntax'],
      ['GET', 'paths/list?page=-1', 400, 'strconv.ParseUint: parsing "-1": invalid syntax'],
      [
        'GET',
        'paths/list?itemsPerPage=9999999999',
        400,
        'strconv.ParseUint: parsing "9999999999": value out of range',
      ],
    ])('answers %s %s with %i %s', async (method, path, status, error) => {
      const answer = await api(server, path, method);
      expect([answer.status, answer.json]).toEqual([status, { status: 'error', error }]);
      expect(schemaProblems('Error', answer.json)).toEqual([]);
    });

    it.each([
      ['GET', 'nope'],
      ['POST', 'paths/list'],
      ['GET', `rtmpconns/kick/${SOME_ID}`],
      ['POST', `rtspconns/kick/${SOME_ID}`],
      ['GET', 'srtconns/list'],
      ['GET', 'webrtcsessions/list'],
      ['GET', 'rtspssessions/list'],
      ['GET', 'rtmpconns/get/'],
      ['POST', 'paths/kick/x'],
    ])('has no route for %s %s', async (method, path) => {
      const { status, text, headers } = await api(server, path, method);
      expect([status, text, headers.get('content-type')]).toEqual([404, '404 page not found', 'text/plain']);
    });

    it.each([
      ['paths/list/?page=1', '/v3/paths/list?page=1'],
      ['paths/get', '/v3/paths/get/'],
    ])('redirects %s', async (path, location) => {
      const { status, headers } = await api(server, path);
      expect([status, headers.get('location')]).toEqual([301, location]);
    });

    it('answers a preflight without asking the hook', async () => {
      hook.reset();
      const headers = { 'access-control-request-method': 'GET', origin: 'http://page' };
      const answer = await fetch(`${server.apiUrl}/v3/info`, { method: 'OPTIONS', headers });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-methods')).toBe('OPTIONS, GET, POST, PATCH, DELETE');
      expect(answer.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type');
      expect(hook.calls).toEqual([]);
    });

    it('gives its global configuration', async () => {
      const { json } = await api(server, 'config/global/get');
      expect(json).toMatchObject({
        api: true,
        rtsp: true,
        rtmp: true,
        hls: true,
        srt: false,
        webrtc: false,
        moq: false,
      });
      expect(json).toMatchObject({ authMethod: 'http', authHTTPAddress: hook.url, rtspTransports: ['tcp'] });
    });
  });

  describe('with two publishers and a reader of each kind', () => {
    beforeAll(async () => {
      tools.publish(`${server.rtmp}/live/a?${TICKET}&x=<1>`);
      tools.publish(`${server.rtsp}/live/b?${TICKET}`);
      await until(
        async () => (await listed(server, 'paths')).filter((p) => p.available).length === 2,
        PATIENCE,
      );
      tools.read(`${server.rtmp}/live/b?${TICKET}`);
      tools.read(`${server.rtsp}/live/a?${TICKET}`);
      await fetch(`${server.hls}/live/a/index.m3u8?${TICKET}`);
      await until(async () => (await pathOf(server, 'live/a'))?.readers.length === 2, PATIENCE);
      await until(async () => (await pathOf(server, 'live/b'))?.readers.length === 1, PATIENCE);
      await until(async () => (await listed(server, 'rtmpconns')).every((c) => c.state !== 'idle'), PATIENCE);
    });
    afterAll(() => tools.cleanUp());

    it.each([
      ['paths', 'Path', 'name', 2],
      ['rtspconns', 'RTSPConn', 'id', 2],
      ['rtspsessions', 'RTSPSession', 'id', 2],
      ['rtmpconns', 'RTMPConn', 'id', 2],
      ['hlssessions', 'HLSSession', 'id', 1],
      ['hlsmuxers', 'HLSMuxer', 'path', 1],
    ])('lists and gets %s with every key that is declared', async (kind, schema, key, count) => {
      const list = await api(server, `${kind}/list`);
      expect(list.json).toMatchObject({ itemCount: count, pageCount: 1 });
      const items = list.json.items as Record<string, string>[];
      expect(items.flatMap((item) => schemaProblems(schema, item))).toEqual([]);
      const one = await api(server, `${kind}/get/${items[0]?.[key]}`);
      expect(one.status).toBe(200);
      expect(schemaProblems(schema, one.json)).toEqual([]);
      expect(one.json[key]).toBe(items[0]?.[key]);
    });

    it('describes a path', async () => {
      const a = await pathOf(server, 'live/a');
      const [publisher] = (await listed(server, 'rtmpconns')).filter((c) => c.state === 'publish');
      const [reader] = (await listed(server, 'rtspsessions')).filter((s) => s.state === 'read');
      const [viewer] = await listed(server, 'hlssessions');
      expect(a).toMatchObject({
        name: 'live/a',
        confName: 'all_others',
        ready: true,
        readyTime: a.availableTime,
        available: true,
        online: true,
        source: { type: 'rtmpConn', id: publisher.id },
        readers: [
          { type: 'hlsSession', id: viewer.id },
          { type: 'rtspSession', id: reader.id },
        ],
        tracks: ['H264', 'MPEG-4 Audio'],
        tracks2: [
          {
            codec: 'H264',
            codecProps: { width: 320, height: 240, profile: expect.any(String), level: expect.any(String) },
          },
          { codec: 'MPEG-4 Audio', codecProps: { sampleRate: 44100, channelCount: 1 } },
        ],
        inboundFramesInError: 0,
      });
    });

    it('escapes what Go escapes', async () => {
      const { text } = await api(server, 'rtmpconns/list');
      expect(text).toContain(`"query":"${TICKET}\\u0026x=\\u003c1\\u003e"`);
      expect(text).not.toMatch(/[<>&]/);
    });

    it('describes sessions', async () => {
      const sessions = await listed(server, 'rtspsessions');
      const conns = await listed(server, 'rtspconns');
      expect(sessions.map((s) => s.conns)).toEqual(conns.map((c) => [c.id]));
      expect(conns.map((c) => c.session)).toEqual(sessions.map((s) => s.id));
      expect(sessions).toMatchObject([
        { state: 'publish', path: 'live/b', transport: 'TCP', profile: 'AVP', query: TICKET },
        { state: 'read', path: 'live/a', transport: 'TCP', profile: 'AVP', query: TICKET },
      ]);
      expect(sessions.every((s) => /^127\.0\.0\.1:\d+$/.test(s.remoteAddr as string))).toBe(true);
    });

    it('counts on: bytes of path, publisher and readers grow, deprecated twins alike', async () => {
      const before = await pathOf(server, 'live/a');
      const after = await until(async () => {
        const path = await pathOf(server, 'live/a');
        return path.inboundBytes > before.inboundBytes && path.outboundBytes > before.outboundBytes && path;
      }, PATIENCE);
      expect([after.bytesReceived, after.bytesSent]).toEqual([after.inboundBytes, after.outboundBytes]);
      const [publish, read] = await listed(server, 'rtspsessions');
      expect(publish.inboundBytes).toBeGreaterThan(10_000);
      expect(publish.inboundRTPPackets).toBeGreaterThan(10);
      expect(read.outboundBytes).toBeGreaterThan(10_000);
      expect(read.outboundRTPPackets).toBeGreaterThan(10);
      expect(read.rtpPacketsSent).toBeGreaterThan(10);
      const [viewer] = await listed(server, 'hlssessions');
      expect(viewer.outboundBytes).toBeGreaterThan(0);
    });

    it('pages', async () => {
      const second = (await api(server, 'paths/list?itemsPerPage=1&page=1')).json;
      expect(second).toMatchObject({ itemCount: 2, pageCount: 2, items: [{ name: 'live/b' }] });
      const past = (await api(server, 'paths/list?itemsPerPage=1&page=9')).json;
      expect(past).toEqual({ itemCount: 2, pageCount: 2, items: [] });
      expect(schemaProblems('PathList', past)).toEqual([]);
    });

    it('lists paths by name and sessions by age', async () => {
      expect((await listed(server, 'paths')).map((p) => p.name)).toEqual(['live/a', 'live/b']);
      const ages = (await listed(server, 'rtmpconns')).map((c) => Date.parse(c.created as string));
      expect(ages).toEqual([...ages].sort((x, y) => x - y));
    });

    it('takes a name with escaped slashes', async () => {
      expect((await api(server, 'paths/get/live%2Fa')).json.name).toBe('live/a');
    });
  });

  describe('kicking', () => {
    afterEach(() => tools.cleanUp());

    const publish = async (path: string) => {
      const publisher = tools.publish(`${server.rtsp}/${path}?${TICKET}`);
      await until(async () => (await pathOf(server, path))?.available, PATIENCE);
      return publisher;
    };
    const readers = (path: string, count: number) =>
      until(async () => (await pathOf(server, path))?.readers.length === count, PATIENCE);

    it('a publisher drops the path and every reader', async () => {
      const publisher = await publish('kick/a');
      const viewers = [
        tools.read(`${server.rtsp}/kick/a?${TICKET}`),
        tools.read(`${server.rtmp}/kick/a?${TICKET}`),
      ];
      await readers('kick/a', 2);
      const { source } = await pathOf(server, 'kick/a');
      const answer = await api(server, `rtspsessions/kick/${source.id}`, 'POST');
      expect([answer.status, answer.json]).toEqual([200, { status: 'ok' }]);
      expect((await api(server, `rtspsessions/kick/${source.id}`, 'POST')).status).toBe(404);
      await Promise.all([publisher, ...viewers].map(({ exited }) => exited));
      await until(async () => (await listed(server, 'paths')).length === 0, PATIENCE);
      await until(async () => (await listed(server, 'rtmpconns')).length === 0, PATIENCE);
    });

    it.each([
      ['rtmpconns', 'rtmp', 'rtmpConn'],
      ['rtspsessions', 'rtsp', 'rtspSession'],
    ] as const)('a reader of %s ends that reader alone', async (kind, protocol, type) => {
      const publisher = await publish('kick/b');
      const viewer = tools.read(`${server[protocol]}/kick/b?${TICKET}`);
      await readers('kick/b', 1);
      const [reader] = (await pathOf(server, 'kick/b')).readers;
      expect(reader.type).toBe(type);
      expect((await api(server, `${kind}/kick/${reader.id}`, 'POST')).status).toBe(200);
      await viewer.exited;
      await readers('kick/b', 0);
      expect(publisher.running()).toBe(true);
    });

    it('an HLS viewer ends that session, whose URLs are refused from then on', async () => {
      await publish('kick/c');
      const index = await (await fetch(`${server.hls}/kick/c/index.m3u8?${TICKET}`)).text();
      const uri =
        index.split('\n').find((line) => line.startsWith('main')) ?? index.trim().split('\n').at(-1);
      expect((await fetch(`${server.hls}/kick/c/${uri}`)).status).toBe(200);
      const [session] = await listed(server, 'hlssessions');
      expect((await api(server, `hlssessions/kick/${session.id}`, 'POST')).status).toBe(200);
      expect(await listed(server, 'hlssessions')).toEqual([]);
      expect((await fetch(`${server.hls}/kick/c/${uri}`)).status).toBe(401);
    });

    it('leaves counters at zero for whoever publishes next', async () => {
      const first = await publish('kick/d');
      await until(async () => (await pathOf(server, 'kick/d')).inboundBytes > 60_000, PATIENCE);
      await first.stop();
      await until(async () => !(await pathOf(server, 'kick/d')), PATIENCE);
      await publish('kick/d');
      expect((await pathOf(server, 'kick/d')).inboundBytes).toBeLessThan(60_000);
    });
  });
});
