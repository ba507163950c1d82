import { MediaMtxClient } from '@rovercast/mediamtx';
import { api, listed, pathOf } from './api-calls';
import { type MediaServer, reportMissingBinary, variants, withLogin } from './media-servers';
import { RecordingHook, TICKET } from './recording-hook';
import { Tools } from './tools';
import { until } from './until';

const PATIENCE = { timeoutMs: 12_000 };
const FRAMES = 10;

reportMissingBinary();

describe.each(variants)('path configuration by the API of $name', ({ start }) => {
  const hook = new RecordingHook();
  const tools = new Tools();
  let server: MediaServer;
  let client: MediaMtxClient;

  beforeAll(async () => {
    await hook.start();
    server = await start(hook.url);
    client = new MediaMtxClient({ apiUrl: withLogin(server.apiUrl), timeoutMs: 3_000 });
    await client.addPath('known', {});
  });
  afterEach(() => tools.cleanUp());
  afterAll(async () => {
    await server.close();
    await hook.stop();
  });

  it.each([
    ['GET', 'get/nope', undefined, 404, 'path configuration not found'],
    ['POST', 'add/known', {}, 400, 'path already exists'],
    ['PATCH', 'patch/nope', {}, 404, 'path not found'],
    ['DELETE', 'delete/nope', undefined, 404, 'path not found'],
    ['POST', 'add/', {}, 400, 'invalid name'],
    ['POST', 'add/new', '', 400, 'unexpected end of JSON input'],
    ['POST', 'add/new', '{', 400, 'unexpected end of JSON input'],
    [
      'POST',
      'add/new',
      [],
      400,
      'json: cannot unmarshal array into Go value of type map[string]json.RawMessage',
    ],
    ['POST', 'add/new', { nope: 1 }, 400, 'json: unknown field "nope"'],
    [
      'POST',
      'add/new',
      { sourceOnDemand: 'true' },
      400,
      'json: cannot unmarshal string into Go value of type bool',
    ],
    [
      'POST',
      'add/new',
      { maxReaders: 1.5 },
      400,
      'json: cannot unmarshal number 1.5 into Go value of type int',
    ],
    ['POST', 'add/new', { sourceOnDemandCloseAfter: '5x' }, 400, 'time: unknown unit "x" in duration "5x"'],
    ['POST', 'add/new', { source: 'foo' }, 400, "invalid source: 'foo'"],
    ['POST', 'add/new', { source: 'rtsp://u@h/x' }, 400, 'username and password must be both provided'],
    [
      'POST',
      'add/new',
      { sourceOnDemand: true },
      400,
      "'sourceOnDemand' is useless when source is 'publisher'",
    ],
    [
      'POST',
      'add/a:b',
      {},
      400,
      "invalid path name 'a:b': can contain only alphanumeric characters, underscore, dot, minus, slash",
    ],
  ])('answers %s %s %j with %i %s', async (method, path, body, status, error) => {
    const answer = await api(server, `config/paths/${path}`, method, body);
    expect([answer.status, answer.json]).toEqual([status, { status: 'error', error }]);
  });

  it('shows the whole of a sparse configuration, zero durations as nothing', async () => {
    const config = { source: 'rtsp://127.0.0.1:1/x', sourceOnDemand: true };
    const times = { sourceOnDemandStartTimeout: '90s', sourceOnDemandCloseAfter: '0s' };
    await client.replacePath('cams/idle', { ...config, ...times });
    const { json } = await api(server, 'config/paths/get/cams/idle');
    const shown = { ...config, sourceOnDemandStartTimeout: '1m30s', sourceOnDemandCloseAfter: '' };
    expect(json).toMatchObject({ name: 'cams/idle', ...shown, overridePublisher: true, maxReaders: 0 });
    expect(Object.keys(json as object)).toHaveLength(91);
    const names = (await listed(server, 'config/paths')).map((path) => path.name);
    expect(names).toEqual(['all_others', 'cams/idle', 'known', '~^hold/']);
    const path = await until(() => pathOf(server, 'cams/idle'), PATIENCE);
    expect(path).toMatchObject({
      confName: 'cams/idle',
      available: false,
      online: true,
      onlineTime: '0001-01-01T00:00:00Z',
      source: { type: 'rtspSource', id: '' },
    });
    await client.deletePath('cams/idle');
    await client.deletePath('cams/idle');
    await until(async () => !(await pathOf(server, 'cams/idle')), PATIENCE);
  });

  it('pulls a source from the first reader on until a while after the last one', async () => {
    tools.publish(`${server.rtsp}/vms/one?${TICKET}`);
    await until(async () => (await pathOf(server, 'vms/one'))?.available, PATIENCE);
    const source = `${withLogin(server.rtsp)}/vms/one`;
    await client.addPath('cams/one', {
      source,
      sourceOnDemand: true,
      sourceOnDemandCloseAfter: '1s',
      rtspTransport: 'tcp',
    });
    await until(() => pathOf(server, 'cams/one'), PATIENCE);
    expect((await pathOf(server, 'vms/one')).readers).toEqual([]);

    const urls = [`${server.rtsp}/cams/one?${TICKET}`, `${server.rtmp}/cams/one?${TICKET}`];
    expect(await Promise.all(urls.map((url) => tools.decodedFrames(url, FRAMES)))).toEqual([FRAMES, FRAMES]);
    expect(await pathOf(server, 'cams/one')).toMatchObject({
      available: true,
      online: true,
      source: { type: 'rtspSource', id: '' },
      tracks: ['H264', 'MPEG-4 Audio'],
    });
    await until(async () => !(await pathOf(server, 'cams/one')).available, PATIENCE);
    await until(async () => (await pathOf(server, 'vms/one')).readers.length === 0, PATIENCE);
    await client.deletePath('cams/one');
  });

  it('pulls for a pattern, with what the pattern captured', async () => {
    tools.publish(`${server.rtsp}/vms/two?${TICKET}`);
    await until(async () => (await pathOf(server, 'vms/two'))?.available, PATIENCE);
    await client.addPath('~^milestone_(.+)$', {
      source: `${withLogin(server.rtsp)}/vms/$G1`,
      sourceOnDemand: true,
    });
    await until(async () => (await listed(server, 'config/paths')).length === 4, PATIENCE);
    expect(await tools.decodedFrames(`${server.rtsp}/milestone_two?${TICKET}`, FRAMES)).toBe(FRAMES);
    await client.deletePath('~^milestone_(.+)$');
    await until(async () => !(await pathOf(server, 'milestone_two')), PATIENCE);
  });

  it('gives up on a source that does not come, and lets nobody publish there', async () => {
    const config = { source: 'rtsp://127.0.0.1:1/x', sourceOnDemand: true, sourceOnDemandStartTimeout: '1s' };
    await client.addPath('cams/dead', config);
    await until(() => pathOf(server, 'cams/dead'), PATIENCE);
    const answer = await tools.rtsp(server.rtsp).ask('DESCRIBE', `${server.rtsp}/cams/dead?${TICKET}`);
    expect(answer.status).toBe(400);
    const publisher = tools.publish(`${server.rtsp}/cams/dead?${TICKET}`);
    expect(await publisher.exited).not.toBe(0);
    await client.deletePath('cams/dead');
  });

  it('leaves a publisher alone whose path gets a configuration that acts alike', async () => {
    const publisher = tools.publish(`${server.rtsp}/known?${TICKET}`);
    await until(async () => (await pathOf(server, 'known'))?.available, PATIENCE);
    await client.deletePath('known');
    await until(async () => (await pathOf(server, 'known')).confName === 'all_others', PATIENCE);
    await client.addPath('known', {});
    await until(async () => (await pathOf(server, 'known')).confName === 'known', PATIENCE);
    expect((await pathOf(server, 'known')).available).toBe(true);
    expect(publisher.running()).toBe(true);
  });
});
