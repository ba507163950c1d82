import { api, listed } from './api-calls';
import { type MediaServer, READ_TIMEOUT_MS, reportMissingBinary, variants, withLogin } from './media-servers';
import { GOOD, RecordingHook, TICKET } from './recording-hook';
import { Tools } from './tools';
import { until } from './until';

const KEYS = ['ip', 'user', 'password', 'token', 'action', 'path', 'protocol', 'id', 'query', 'userAgent'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const BASIC = { Authorization: `Basic ${Buffer.from(`${GOOD.user}:${GOOD.password}`).toString('base64')}` };
const WRONG = { Authorization: `Basic ${Buffer.from(`${GOOD.user}:wrong`).toString('base64')}` };
const NOBODY = { user: '', password: '', token: '' };
const SOMEBODY = { user: GOOD.user, password: GOOD.password, token: GOOD.password };
const SDP = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=x',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==; profile-level-id=42C01E',
  'a=control:streamid=0',
  '',
].join('\r\n');

reportMissingBinary();

describe.each(variants)('the auth hook, as $name asks it', ({ start, denyDelayMs }) => {
  const hook = new RecordingHook();
  const tools = new Tools();
  let server: MediaServer;
  const patience = { timeoutMs: 8_000 + denyDelayMs };
  const id = expect.stringMatching(UUID) as string;

  beforeAll(async () => {
    await hook.start();
    server = await start(hook.url);
  });
  beforeEach(() => hook.reset());
  afterEach(() => tools.cleanUp());
  afterAll(async () => {
    await server.close();
    await hook.stop();
  });

  const live = (path: string) =>
    until(async () => (await listed(server, 'paths')).some((p) => p.name === path && p.available), patience);
  const ids = async (kind: string) => (await listed(server, kind)).map((item) => item.id as string);

  describe('RTMP', () => {
    it('asks once for a publisher, with all ten fields in order and the id that the API shows', async () => {
      tools.publish(`${server.rtmp}/robots/r1?${GOOD.query}`);
      await live('robots/r1');
      const [body, ...more] = hook.about('robots/r1');
      expect(more).toEqual([]);
      expect(body).toEqual({
        ip: '127.0.0.1',
        ...SOMEBODY,
        action: 'publish',
        path: 'robots/r1',
        protocol: 'rtmp',
        id,
        query: GOOD.query,
        userAgent: expect.stringContaining('Lavf'),
      });
      expect(hook.calls.find((call) => call.body.path === 'robots/r1')?.keys).toEqual(KEYS);
      expect(await ids('rtmpconns')).toEqual([body?.id]);
    });

    it('asks once for a reader, and takes a token out of the query', async () => {
      tools.publish(`${server.rtsp}/robots/r1?${TICKET}`);
      await live('robots/r1');
      tools.read(`${server.rtmp}/robots/r1?${TICKET}`);
      const [read, ...more] = await until(() => {
        const calls = hook.about('robots/r1').filter(({ protocol }) => protocol === 'rtmp');
        return calls.length > 0 && calls;
      }, patience);
      expect(more).toEqual([]);
      expect(read).toMatchObject({ ...NOBODY, token: 'ticket', query: TICKET, action: 'read', id });
      await until(async () => (await ids('rtmpconns')).includes(read?.id ?? ''), patience);
    });

    it('finds the path in the application name, with an empty stream key', async () => {
      tools.publish(`${server.rtmp}/lonely?${TICKET}`);
      await live('lonely');
      expect(hook.about('lonely')).toMatchObject([{ action: 'publish', token: 'ticket' }]);
    });
  });

  describe('RTSP', () => {
    it('asks twice for a publisher that waits for the challenge, with one session id', async () => {
      tools.publish(`${withLogin(server.rtsp)}/robots/r2`);
      await live('robots/r2');
      const calls = hook.about('robots/r2');
      const common = {
        ip: '127.0.0.1',
        action: 'publish',
        protocol: 'rtsp',
        query: '',
        userAgent: expect.any(String),
      };
      expect(calls).toEqual([
        { ...common, ...NOBODY, path: 'robots/r2', id },
        { ...common, ...SOMEBODY, path: 'robots/r2', id },
      ]);
      expect(calls[0]?.id).toBe(calls[1]?.id);
      expect(await ids('rtspsessions')).toEqual([calls[1]?.id]);
    });

    it('asks once for a publisher with a token in the query', async () => {
      tools.publish(`${server.rtsp}/robots/r2?${TICKET}`);
      await live('robots/r2');
      expect(hook.about('robots/r2')).toMatchObject([
        { ...NOBODY, token: 'ticket', query: TICKET, action: 'publish' },
      ]);
    });

    it('asks three times for a reader: DESCRIBE twice with the connection id, SETUP with the session id', async () => {
      tools.publish(`${server.rtsp}/robots/r2?${TICKET}`);
      await live('robots/r2');
      tools.read(`${withLogin(server.rtsp)}/robots/r2`);
      await until(
        async () => (await listed(server, 'rtspsessions')).some((s) => s.state === 'read'),
        patience,
      );
      const [empty, describeCall, setup, ...more] = hook.about('robots/r2').slice(1);
      expect(more).toEqual([]);
      expect(empty).toMatchObject({ ...NOBODY, action: 'read', userAgent: '', id });
      expect(describeCall).toMatchObject({ ...SOMEBODY, action: 'read', userAgent: '', id: empty?.id });
      expect(setup).toMatchObject({
        ...SOMEBODY,
        action: 'read',
        userAgent: expect.stringContaining('Lavf'),
      });
      expect(setup?.id).not.toBe(empty?.id);
      expect(await ids('rtspconns')).toContain(empty?.id);
      expect(await ids('rtspsessions')).toContain(setup?.id);
    });

    it('asks twice for a reader with a token in the query, and not again for the second track', async () => {
      tools.publish(`${server.rtsp}/robots/r2?${TICKET}`);
      await live('robots/r2');
      tools.read(`${server.rtsp}/robots/r2?${TICKET}`);
      await until(
        async () => (await listed(server, 'rtspsessions')).some((s) => s.state === 'read'),
        patience,
      );
      const reads = hook.about('robots/r2').slice(1);
      expect(reads).toMatchObject([
        { token: 'ticket', userAgent: '', query: TICKET },
        { token: 'ticket', query: TICKET },
      ]);
    });

    it('challenges who shows nothing and keeps the connection', async () => {
      const client = tools.rtsp(server.rtsp);
      const first = await client.ask('DESCRIBE', `${server.rtsp}/absent`);
      expect(first).toMatchObject({ status: 401, headers: { 'WWW-Authenticate': 'Basic realm="ipcam"' } });
      expect((await client.ask('DESCRIBE', `${server.rtsp}/absent`, BASIC)).status).toBe(404);
      await until(() => client.closed, patience);
    });

    it('challenges an ANNOUNCE, and takes it with the same session id', async () => {
      const client = tools.rtsp(server.rtsp);
      const url = `${server.rtsp}/robots/raw`;
      expect((await client.ask('ANNOUNCE', url, {}, SDP)).status).toBe(401);
      expect((await client.ask('ANNOUNCE', url, BASIC, SDP)).status).toBe(200);
      const transport = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record' };
      const setup = await client.ask('SETUP', `${url}/streamid=0`, transport);
      expect(setup.status).toBe(200);
      const session = { Session: setup.headers.Session?.split(';')[0] ?? '' };
      expect((await client.ask('RECORD', url, session)).status).toBe(200);
      expect(hook.about('robots/raw').map((call) => call.id)).toEqual([id, id]);
      expect(await ids('rtspsessions')).toEqual([hook.about('robots/raw')[1]?.id]);
      expect((await client.ask('TEARDOWN', url, session)).status).toBe(200);
    });

    it('does not ask about an illegal path', async () => {
      const client = tools.rtsp(server.rtsp);
      expect((await client.ask('DESCRIBE', `${server.rtsp}/a:b`, BASIC)).status).toBe(400);
      expect(hook.calls).toEqual([]);
    });

    it('lets a client set up without DESCRIBE, asking once', async () => {
      const client = tools.rtsp(server.rtsp);
      const transport = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
      const answer = await client.ask('SETUP', `${server.rtsp}/absent/trackID=0`, { ...BASIC, ...transport });
      expect(answer.status).toBe(404);
      expect(hook.about('absent')).toMatchObject([{ action: 'read', userAgent: 'contract' }]);
    });

    it('refuses UDP without asking', async () => {
      const client = tools.rtsp(server.rtsp);
      const transport = { Transport: 'RTP/AVP;unicast;client_port=5000-5001' };
      const answer = await client.ask('SETUP', `${server.rtsp}/absent/trackID=0`, { ...BASIC, ...transport });
      expect(answer.status).toBe(461);
      expect(hook.calls).toEqual([]);
    });
  });

  describe('HLS', () => {
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${server.hls}/${path}`, { headers, redirect: 'manual' });

    it('answers the first request with a redirect and asks nobody', async () => {
      const answer = await get('robots/r3/index.m3u8?b=2&a=1');
      expect(answer.status).toBe(302);
      expect(answer.headers.get('location')).toBe('/robots/r3/index.m3u8?a=1&b=2&cookieCheck=1');
      expect(hook.calls).toEqual([]);
    });

    it('asks once per session, whose secret goes along in every URI', async () => {
      tools.publish(`${server.rtsp}/robots/r3?${TICKET}`);
      await live('robots/r3');
      hook.calls = [];
      const index = await fetch(`${server.hls}/robots/r3/index.m3u8?${TICKET}`);
      expect(index.status).toBe(200);
      expect(index.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
      const mediaUri = uris(await index.text())[0] ?? '';
      expect(mediaUri).toMatch(/\.m3u8\?session=[0-9a-f-]{36}&token=ticket$/);
      const playlist = await get(`robots/r3/${mediaUri}`);
      expect(playlist.status).toBe(200);
      const segmentUri = uris(await playlist.text()).at(-1) ?? '';
      expect(segmentUri).toContain('session=');
      const segment = await get(`robots/r3/${segmentUri}`);
      expect(segment.status).toBe(200);
      expect((await segment.arrayBuffer()).byteLength).toBeGreaterThan(1_000);
      const calls = hook.about('robots/r3');
      expect(calls).toEqual([
        {
          ...NOBODY,
          ip: '127.0.0.1',
          action: 'read',
          path: 'robots/r3',
          protocol: 'hls',
          id,
          query: TICKET,
          userAgent: 'node',
        },
      ]);
      expect(await ids('hlssessions')).toEqual([calls[0]?.id]);
      expect((await get(`robots/r3/${mediaUri.split('?')[0]}?session=${calls[0]?.id}`)).status).toBe(401);
    });

    it('challenges who shows nothing', async () => {
      const asked = await get('robots/r3/index.m3u8?cookieCheck=1');
      expect(asked.status).toBe(401);
      expect(asked.headers.get('www-authenticate')).toBe('Basic realm="mediamtx"');
      expect(await asked.json()).toEqual({ status: 'error', error: 'authentication error' });
    });

    it.each([
      ['absent/index.m3u8?cookieCheck=1', 404, "no stream is available on path 'absent'"],
      [
        'a:b/index.m3u8?cookieCheck=1',
        500,
        'invalid path name: can contain only alphanumeric characters, underscore, dot, minus, slash (a:b)',
      ],
      ['absent/seg.ts', 401, 'authentication error'],
    ])('answers %s with %i', async (path, status, error) => {
      const answer = await get(path, BASIC);
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual({ status: 'error', error });
    });

    it('asks for the page with a null id', async () => {
      expect((await get('robots/r3/', BASIC)).status).toBe(200);
      expect(hook.calls.map((call) => call.body)).toMatchObject([
        { ...SOMEBODY, protocol: 'hls', id: null, userAgent: '' },
      ]);
    });
  });

  describe('the API', () => {
    it('asks for every call, with a null id and no protocol', async () => {
      await api(server, 'info?x=1');
      expect(hook.calls.map((call) => call.body)).toEqual([
        {
          ...SOMEBODY,
          ip: '127.0.0.1',
          action: 'api',
          path: '',
          protocol: '',
          id: null,
          query: 'x=1',
          userAgent: '',
        },
      ]);
    });

    it.each([
      ['Bearer ticket', { user: '', password: '', token: 'ticket' }],
      ['Bearer good:pass', SOMEBODY],
      ['Bearer a:b:c', { user: '', password: '', token: 'a:b:c' }],
      [BASIC.Authorization, SOMEBODY],
      ['bearer ticket', NOBODY],
      ['Digest x', NOBODY],
    ])('reads %s', async (authorization, expected) => {
      hook.answer = (_call, response) => void response.writeHead(200).end();
      await fetch(`${server.apiUrl}/v3/info`, { headers: { authorization } });
      expect(hook.calls.map((call) => call.body)).toMatchObject([expected]);
    });

    it('challenges before it looks at the route', async () => {
      const asked = await fetch(`${server.apiUrl}/v3/nowhere`);
      expect(asked.status).toBe(401);
      expect(asked.headers.get('www-authenticate')).toBe('Basic realm="mediamtx"');
    });
  });

  describe('wrong credentials', () => {
    // Each denial may take MediaMTX four seconds, so the tests share one wait.
    const refusals = {} as Record<'rtmpPublish' | 'rtmpRead' | 'rtsp' | 'hls' | 'api', Promise<unknown>>;
    const wrong = 'user=good&pass=wrong';

    beforeAll(async () => {
      hook.reset();
      tools.publish(`${server.rtsp}/robots/r1?${TICKET}`);
      await live('robots/r1');
      const refusedOverHttp = async (url: string) => {
        const answer = await fetch(url, { headers: WRONG });
        return [answer.status, answer.headers.get('www-authenticate'), await answer.json()];
      };
      const refusedOverRtsp = async () => {
        const client = tools.rtsp(server.rtsp);
        const answer = await client.ask('DESCRIBE', `${server.rtsp}/absent`, WRONG);
        await until(() => client.closed, patience);
        return [answer.status, answer.headers['WWW-Authenticate'] ?? null];
      };
      refusals.rtmpPublish = tools.publish(`${server.rtmp}/robots/denied?${wrong}`).exited;
      refusals.rtmpRead = tools.decodedFrames(`${server.rtmp}/robots/r1?${wrong}`, 1);
      refusals.rtsp = refusedOverRtsp();
      refusals.hls = refusedOverHttp(`${server.hls}/robots/r1/index.m3u8?cookieCheck=1`);
      refusals.api = refusedOverHttp(`${server.apiUrl}/v3/nowhere`);
      await Promise.all(Object.values(refusals));
    });

    const WITHOUT_CHALLENGE = [401, null, { status: 'error', error: 'authentication error' }];

    it('send an RTMP publisher away before any media', async () => {
      expect(await refusals.rtmpPublish).not.toBe(0);
      expect((await listed(server, 'paths')).map((path) => path.name)).not.toContain('robots/denied');
    });

    it('send an RTMP reader away without a picture', async () => expect(await refusals.rtmpRead).toBe(0));

    it('are answered without a challenge over RTSP, and the connection is closed', async () => {
      expect(await refusals.rtsp).toEqual([401, null]);
    });

    it.each(['hls', 'api'] as const)('are answered without a challenge over %s', async (door) => {
      expect(await refusals[door]).toEqual(WITHOUT_CHALLENGE);
    });
  });

  describe('the hook itself', () => {
    /** Without credentials a denial is an immediate challenge; an allowed reader of nothing gets 404. */
    const knock = async (path = 'absent') =>
      (await tools.rtsp(server.rtsp).ask('DESCRIBE', `${server.rtsp}/${path}`)).status;
    const ALLOWED = 404;
    const DENIED = 401;

    it.each([
      [200, ALLOWED],
      [201, ALLOWED],
      [204, ALLOWED],
      [299, ALLOWED],
      [400, DENIED],
      [403, DENIED],
      [404, DENIED],
      [429, DENIED],
      [500, DENIED],
      [503, DENIED],
    ])('answers %i: the client gets %i', async (status, expected) => {
      hook.answer = (_call, response) => void response.writeHead(status).end('words');
      expect(await knock()).toBe(expected);
    });

    it.each([
      [301, '/200', ALLOWED],
      [302, '/200', ALLOWED],
      [303, '/204', ALLOWED],
      [307, '/200', ALLOWED],
      [308, '/200', ALLOWED],
      [302, '/401', DENIED],
      [302, '/loop', DENIED],
      [304, '/200', DENIED],
    ])('answers %i to %s: the client gets %i', async (status, location, expected) => {
      hook.answer = (_call, response) => void response.writeHead(status, { location }).end();
      expect(await knock()).toBe(expected);
    });

    it('closes the socket: denied', async () => {
      hook.answer = (_call, response) => void response.destroy();
      expect(await knock()).toBe(DENIED);
    });

    it('says nothing: denied after the read timeout', async () => {
      hook.answer = () => undefined;
      const startedAt = Date.now();
      expect(await knock()).toBe(DENIED);
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(READ_TIMEOUT_MS - 100);
    });

    it('is asked over a new connection each time', async () => {
      await Promise.all([knock('x1'), knock('x2'), knock('x3')]);
      expect(new Set(hook.calls.map((call) => call.remotePort)).size).toBe(3);
      expect(hook.calls[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
    });

    it('is asked one at a time about publish and read, and in parallel about the API', async () => {
      let inFlight = { path: 0, api: 0 };
      let most = { path: 0, api: 0 };
      hook.answer = async ({ body }, response) => {
        const kind = body.action === 'api' ? 'api' : 'path';
        inFlight = { ...inFlight, [kind]: inFlight[kind] + 1 };
        most = { ...most, [kind]: Math.max(most[kind], inFlight[kind]) };
        await new Promise((resolve) => setTimeout(resolve, 120));
        inFlight = { ...inFlight, [kind]: inFlight[kind] - 1 };
        response.writeHead(204).end();
      };
      const apiCalls = [1, 2, 3].map(() => api(server, 'info'));
      const statuses = await Promise.all(['y1', 'y2', 'y3', 'y4'].map(knock));
      await Promise.all(apiCalls);
      expect(statuses).toEqual([ALLOWED, ALLOWED, ALLOWED, ALLOWED]);
      expect(most).toEqual({ path: 1, api: 3 });
    });
  });
});

function uris(playlist: string): string[] {
  return playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
