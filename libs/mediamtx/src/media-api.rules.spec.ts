import { kindOfEndpoint, parseInfo, parsePaths, parseSessions } from './media-api.rules';

const rtmpItem = (override: Record<string, unknown> = {}) => ({
  id: '7c6d2f5e-7f2c-4b8e-9a55-1e0a6f6d8f01',
  created: '2026-11-20T10:00:00.123456789+01:00',
  remoteAddr: '127.0.0.1:40000',
  state: 'publish',
  path: 'robots/r1',
  query: 'user=r1&pass=hunter2',
  user: 'r1',
  userAgent: 'Lavf',
  inboundBytes: 10,
  outboundBytes: 3,
  bytesReceived: 99,
  bytesSent: 99,
  ...override,
});

const pathItem = (override: Record<string, unknown> = {}) => ({
  name: 'robots/r1',
  confName: 'all_others',
  available: true,
  availableTime: '2026-11-20T10:00:00Z',
  online: true,
  source: { type: 'rtmpConn', id: 'a' },
  readers: [{ type: 'hlsSession', id: 'b' }],
  tracks2: [
    { codec: 'H264', codecProps: { width: 320, height: 240, profile: 'Main', level: '3' } },
    { codec: 'Opus', codecProps: null },
  ],
  inboundBytes: 5,
  outboundBytes: 6,
  somethingNew: { deep: true },
  ...override,
});

const page = (...items: unknown[]) => ({ itemCount: items.length, pageCount: 1, items });

describe('kindOfEndpoint', () => {
  it.each([
    ['rtmpConn', 'rtmpconns'],
    ['rtmpsConn', 'rtmpsconns'],
    ['rtspSession', 'rtspsessions'],
    ['rtspsSession', 'rtspssessions'],
    ['srtConn', 'srtconns'],
    ['webRTCSession', 'webrtcsessions'],
    ['hlsSession', 'hlssessions'],
    ['rtspSource', undefined],
    ['rtspConn', undefined],
    ['', undefined],
  ])('maps %s to %s', (type, kind) => {
    expect(kindOfEndpoint(type)).toBe(kind);
  });
});

describe('parseSessions', () => {
  it('keeps what we use and drops the query, which holds credentials', () => {
    const [session] = parseSessions('rtmpconns', page(rtmpItem()));
    expect(session).toEqual({
      id: '7c6d2f5e-7f2c-4b8e-9a55-1e0a6f6d8f01',
      kind: 'rtmpconns',
      protocol: 'rtmp',
      path: 'robots/r1',
      state: 'publish',
      user: 'r1',
      remoteAddr: '127.0.0.1:40000',
      userAgent: 'Lavf',
      createdAt: new Date('2026-11-20T09:00:00.123Z'),
      inboundBytes: 10,
      outboundBytes: 3,
    });
  });

  it('reads the counters of SRT under their own names', () => {
    const item = rtmpItem({
      inboundBytes: undefined,
      outboundBytes: undefined,
      bytesReceived: 7,
      bytesSent: 8,
    });
    expect(parseSessions('srtconns', page(item))[0]).toMatchObject({ inboundBytes: 7, outboundBytes: 8 });
  });

  it('takes an HLS session, which has no state, for a reader', () => {
    const item = rtmpItem({ state: undefined, inboundBytes: undefined });
    expect(parseSessions('hlssessions', page(item))[0]).toMatchObject({ state: 'read', inboundBytes: 0 });
  });

  it.each([
    ['items: null', { itemCount: 0, pageCount: 0, items: null }],
    ['an array', []],
    ['a text', 'x'],
    ['null', null],
    ['fewer items than announced', { itemCount: 2, pageCount: 1, items: [rtmpItem()] }],
    ['no item count', { items: [] }],
    ['an item that is no object', page(7)],
    ['the same id twice', page(rtmpItem(), rtmpItem())],
    ['an unknown state', page(rtmpItem({ state: 'dreaming' }))],
    ['a negative count', page(rtmpItem({ inboundBytes: -1 }))],
    ['a count as text', page(rtmpItem({ inboundBytes: '10' }))],
    ['no counter at all', page(rtmpItem({ inboundBytes: undefined }))],
    ['a time that is none', page(rtmpItem({ created: 'yesterday' }))],
    ['a numeric id', page(rtmpItem({ id: 1 }))],
  ])('rejects %s', (_name, body) => {
    expect(() => parseSessions('rtmpconns', body)).toThrow(expect.objectContaining({ kind: 'malformed' }));
  });
});

describe('parsePaths', () => {
  it('keeps tracks with the size that the codec states', () => {
    expect(parsePaths(page(pathItem()))).toEqual([
      {
        name: 'robots/r1',
        available: true,
        availableAt: new Date('2026-11-20T10:00:00Z'),
        online: true,
        source: { type: 'rtmpConn', id: 'a' },
        readers: [{ type: 'hlsSession', id: 'b' }],
        tracks: [{ codec: 'H264', width: 320, height: 240 }, { codec: 'Opus' }],
        inboundBytes: 5,
        outboundBytes: 6,
      },
    ]);
  });

  it('takes a configured pull that nobody watches: online, not available', () => {
    const idle = pathItem({ available: false, availableTime: null, source: null, readers: [], tracks2: [] });
    expect(parsePaths(page(idle))[0]).toMatchObject({ available: false, availableAt: null, online: true });
  });

  it.each([
    ['readers: null', pathItem({ readers: null })],
    ['tracks2: null', pathItem({ tracks2: null })],
    ['available without a time', pathItem({ availableTime: null })],
    ['a source without an id', pathItem({ source: { type: 'rtmpConn' } })],
  ])('rejects %s', (_name, item) => {
    expect(() => parsePaths(page(item))).toThrow(expect.objectContaining({ kind: 'malformed' }));
  });
});

describe('parseInfo', () => {
  it('reads version and start', () => {
    const body = { version: 'v1.20.1', started: '2026-11-20T10:00:00Z', more: 1 };
    expect(parseInfo(body)).toEqual({ version: 'v1.20.1', started: '2026-11-20T10:00:00Z' });
  });

  it.each([[{}], [{ version: 'v1', started: 'x' }], [null]])('rejects %j', (body) => {
    expect(() => parseInfo(body)).toThrow(expect.objectContaining({ kind: 'malformed' }));
  });
});
