import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { deriveKeys } from '@rovercast/access';
import { Cameras } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import { startStandin } from '@rovercast/standin';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aDatabase, terminateConnections, type TestDatabase } from '../../../../test/support/database';
import { until } from '../../../../test/support/until';
import { createMonitorApp } from '../monitor.app';
import { MonitorSettings } from '../monitor.settings';

const SECRET = 'a-secret-of-at-least-32-characters-for-tests';
const SOURCE = { url: 'rtsp://user:secret@127.0.0.1:1/x', shown: 'rtsp://user:***@127.0.0.1:1/x' };
/** Within this the paths are back after a restart (issue C, 6). */
const BACK_WITHIN = { timeoutMs: 10_000, everyMs: 50 };

jest.setTimeout(60_000);

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Lets everybody do everything. */
async function anOpenDoor(): Promise<{ url: string; server: Server }> {
  const server = createServer((_, response) => response.writeHead(204).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** A media server that can be started again on the same port, having forgotten everything. */
interface Restartable {
  start(): Promise<void>;
  /** As by kill -9. */
  kill(): Promise<void>;
}

function theStandin(apiPort: number, authUrl: string): Restartable {
  let standin: Awaited<ReturnType<typeof startStandin>> | undefined;
  return {
    start: async () => {
      const ports = { rtmpPort: 0, rtspPort: 0, hlsPort: 0, apiPort };
      standin = await startStandin({ host: '127.0.0.1', ...ports, authUrl, ffmpegPath: 'ffmpeg' });
    },
    kill: async () => {
      await standin?.close();
      standin = undefined;
    },
  };
}

function theRealOne(apiPort: number, authUrl: string): Restartable {
  let folder = '';
  let child: ChildProcess | undefined;
  return {
    start: async () => {
      folder = mkdtempSync(join(tmpdir(), 'rovercast-cameras-'));
      const config = join(folder, 'mediamtx.yml');
      writeFileSync(
        config,
        `authMethod: http\nauthHTTPAddress: ${authUrl}\nauthHTTPExclude: []\napi: true\napiAddress: 127.0.0.1:${apiPort}\n` +
          `rtspAddress: 127.0.0.1:${await freePort()}\nrtspTransports: [tcp]\nrtmp: false\nhls: false\nwebrtc: false\nsrt: false\nmoq: false\n` +
          `paths:\n  '~^cameras/.+$':\n    overridePublisher: true\n`,
      );
      child = spawn(process.env.MEDIAMTX_BIN ?? 'mediamtx', [config], { cwd: folder, stdio: 'ignore' });
      await until(() =>
        fetch(`http://127.0.0.1:${apiPort}/v3/info`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    },
    kill: async () => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const hasMediaMtx = spawnSync(process.env.MEDIAMTX_BIN ?? 'mediamtx', ['--version']).error === undefined;
const SERVERS = [
  { name: 'the stand-in', make: theStandin },
  ...(hasMediaMtx ? [{ name: 'a real MediaMTX', make: theRealOne }] : []),
];

interface Conf {
  name: string;
  source: string;
  sourceOnDemand: boolean;
  sourceOnDemandCloseAfter: string;
}

async function configured(apiPort: number): Promise<Map<string, Conf>> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}/v3/config/paths/list?itemsPerPage=1000`);
  const { items } = (await answer.json()) as { items: Conf[] };
  return new Map(items.filter(({ name }) => name.startsWith('cameras/')).map((item) => [item.name, item]));
}

const aMonitor = async (
  database: TestDatabase,
  apiPort: number,
  more: object = {},
): Promise<NestFastifyApplication> => {
  const settings = parseSettings(MonitorSettings, {
    LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    AUTH_SECRET: SECRET,
    MEDIAMTX_API_URL: `http://monitor:secret@127.0.0.1:${apiPort}`,
    MONITOR_TOKEN: 'monitor-token-for-tests',
    ...more,
  });
  const app = await createMonitorApp(settings);
  await app.listen(0, '127.0.0.1');
  return app;
};

describe.each(SERVERS)('the paths of cameras on $name', ({ make }) => {
  let database: TestDatabase;
  let cameras: Cameras;
  let door: Awaited<ReturnType<typeof anOpenDoor>>;
  let media: Restartable;
  let monitor: NestFastifyApplication;
  let apiPort: number;

  beforeAll(async () => {
    database = await aDatabase();
    cameras = new Cameras(database.source, [deriveKeys(SECRET)]);
    door = await anOpenDoor();
    apiPort = await freePort();
    media = make(apiPort, door.url);
    await media.start();
    monitor = await aMonitor(database, apiPort);
  });

  afterAll(async () => {
    await monitor?.close();
    await media?.kill();
    door?.server.close();
    await database?.drop();
  });

  /** None while the media server is away: a kept connection may still be one to its predecessor. */
  const paths = (): Promise<string[]> =>
    configured(apiPort).then(
      (all) => [...all.keys()].sort(),
      () => [],
    );

  it('come with the camera, change with it and go with it, at once', async () => {
    await cameras.create({ id: 'c1', source: SOURCE }, 'test');
    const conf = await until(async () => (await configured(apiPort)).get('cameras/c1'), { timeoutMs: 2_000 });
    expect(conf).toMatchObject({ source: SOURCE.url, sourceOnDemand: true, sourceOnDemandCloseAfter: '10s' });
    const other = { url: 'rtsp://user:other@127.0.0.1:1/y', shown: 'rtsp://user:***@127.0.0.1:1/y' };
    await cameras.update('c1', { source: other }, 'test');
    await until(async () => (await configured(apiPort)).get('cameras/c1')?.source === other.url, {
      timeoutMs: 2_000,
    });
    await cameras.remove('c1', 'test');
    await until(async () => (await paths()).length === 0, { timeoutMs: 2_000 });
  });

  it('are back within ten seconds when the media server has forgotten them', async () => {
    for (const id of ['a', 'b', 'c']) await cameras.create({ id, source: SOURCE }, 'test');
    await until(async () => (await paths()).length === 3, { timeoutMs: 2_000 });
    await media.kill();
    await media.start();
    await until(async () => (await paths()).length === 3, BACK_WITHIN);
  });

  it('are set as they should be when somebody else changed them', async () => {
    const url = `http://127.0.0.1:${apiPort}/v3/config/paths/replace/cameras%2Fa`;
    const changed = JSON.stringify({ source: 'rtsp://elsewhere/x', sourceOnDemand: true });
    expect((await fetch(url, { method: 'POST', body: changed })).status).toBe(200);
    await until(async () => (await configured(apiPort)).get('cameras/a')?.source === SOURCE.url, BACK_WITHIN);
  });

  it('go when the camera was removed while the monitor was away', async () => {
    await monitor.close();
    await cameras.remove('c', 'test');
    await cameras.update('b', { source: { ...SOURCE, url: 'rtsp://127.0.0.1:1/new' } }, 'test');
    monitor = await aMonitor(database, apiPort);
    await until(async () => (await paths()).join() === 'cameras/a,cameras/b', BACK_WITHIN);
    await until(
      async () => (await configured(apiPort)).get('cameras/b')?.source === 'rtsp://127.0.0.1:1/new',
      BACK_WITHIN,
    );
  });

  it('come within seconds although the listener lost its connection', async () => {
    await terminateConnections(database.url, 'monitor-cameras-listen');
    await cameras.create({ id: 'd', source: SOURCE }, 'test');
    await until(async () => (await paths()).includes('cameras/d'), BACK_WITHIN);
  });

  it('stay when the table is emptied, and when its sources cannot be read', async () => {
    const before = await paths();
    expect(before).toHaveLength(3);
    await database.source.query('DELETE FROM cameras');
    await monitor.close();
    monitor = await aMonitor(database, apiPort, { AUTH_SECRET: 'another-secret-of-32-characters-or-more' });
    await cameras.create({ id: 'a', source: { ...SOURCE, url: 'rtsp://127.0.0.1:1/newer' } }, 'test');
    const metrics = async (): Promise<string> => (await fetch(`${await monitor.getUrl()}/metrics`)).text();
    await until(async () => /^camera_sources_unreadable 1$/m.test(await metrics()));
    expect(await paths()).toEqual(before);
    expect((await configured(apiPort)).get('cameras/a')?.source).toBe(SOURCE.url);
  });
});

describe('a media server that misbehaves', () => {
  let database: TestDatabase;
  let cameras: Cameras;
  let api: Server;
  let monitor: NestFastifyApplication;
  let port: number;
  let listAnswer: () => { status?: number; body: string };
  let written: { path: string; body: string }[];

  const item = (name: string): object => ({
    name,
    source: 'publisher',
    sourceOnDemand: false,
    sourceOnDemandCloseAfter: '10s',
    rtspTransport: 'automatic',
  });
  const listOf = (...items: object[]): string =>
    JSON.stringify({ itemCount: items.length, pageCount: 1, items });

  const bodyOf = async (request: IncomingMessage): Promise<string> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    return body;
  };

  beforeAll(async () => {
    database = await aDatabase();
    cameras = new Cameras(database.source, [deriveKeys(SECRET)]);
    await cameras.create({ id: 'bad', source: SOURCE }, 'test');
    await cameras.create({ id: 'good', source: SOURCE }, 'test');
    written = [];
    listAnswer = () => ({ body: listOf() });
    api = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const path = decodeURIComponent(request.url ?? '');
        if (path.startsWith('/v3/config/paths/list')) {
          const { status, body: list } = listAnswer();
          return response.writeHead(status ?? 200, { 'content-type': 'application/json' }).end(list);
        }
        if (!path.startsWith('/v3/config/paths/')) return response.writeHead(500).end('{}');
        written.push({ path, body });
        const refused = path.endsWith('/cameras/bad');
        return response
          .writeHead(refused ? 400 : 200)
          .end(
            refused ? '{"status":"error","error":"invalid source: rtsp://user:secret@x"}' : '{"status":"ok"}',
          );
      });
    });
    port = await freePort();
    api.listen(port, '127.0.0.1');
    await once(api, 'listening');
    monitor = await aMonitor(database, port);
  });

  afterAll(async () => {
    await monitor?.close();
    api?.closeAllConnections();
    api?.close();
    await database?.drop();
  });

  it('keeps no camera from another: the one that is refused is tried again, the others are set', async () => {
    await until(() => written.filter(({ path }) => path.endsWith('/bad')).length > 1, { timeoutMs: 8_000 });
    expect(written.some(({ path }) => path === '/v3/config/paths/replace/cameras/good')).toBe(true);
  });

  it.each([
    ['HTML', () => ({ body: '<html></html>' })],
    ['half of the JSON', () => ({ body: listOf(item('x')).slice(0, 30) })],
    ['items that are null', () => ({ body: '{"itemCount":0,"pageCount":0,"items":null}' })],
    ['fewer items than it counts', () => ({ body: '{"itemCount":5,"pageCount":1,"items":[]}' })],
    ['items of another form', () => ({ body: '{"itemCount":1,"pageCount":1,"items":[{"name":7}]}' })],
    ['401', () => ({ status: 401, body: '{}' })],
    ['500', () => ({ status: 500, body: listOf() })],
  ])('is not changed on the word of %s', async (_, answer) => {
    listAnswer = answer;
    // What is underway when the answer changes may still be written.
    await new Promise((resolve) => setTimeout(resolve, 50));
    written = [];
    await cameras.update('good', { source: SOURCE }, 'test');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toEqual([]);
  });
});

it('does without cameras when it has no secret to open their sources with', async () => {
  const database = await aDatabase();
  const monitor = await aMonitor(database, 9, { AUTH_SECRET: undefined });
  await monitor.close();
  await database.drop();
});
