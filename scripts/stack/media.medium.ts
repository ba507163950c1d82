import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { findOnPath } from './ffmpeg';
import { findMediaServer, installedProgram, startMedia, type MediaOptions, type RunningMedia } from './media';
import { choosePorts } from './ports';

const rootDir = resolve(__dirname, '../..');

describe('which media server', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'rovercast-media-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const program = (file: string): string => {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o755);
    return file;
  };

  it('is the stand-in when there is nothing else', () => {
    expect(findMediaServer({ PATH: folder }, folder)).toEqual({ kind: 'embedded' });
  });

  it('is the installed one, before it the one on the PATH, before it the given one', () => {
    const installed = program(installedProgram(folder));
    expect(findMediaServer({ PATH: '' }, folder)).toEqual({ kind: 'mediamtx', program: installed });
    const onPath = program(join(folder, 'path', 'mediamtx'));
    const PATH = join(folder, 'path');
    expect(findMediaServer({ PATH }, folder)).toEqual({ kind: 'mediamtx', program: onPath });
    const given = program(join(folder, 'other'));
    expect(findMediaServer({ PATH, MEDIAMTX_BIN: given }, folder)).toEqual({
      kind: 'mediamtx',
      program: given,
    });
    expect(findMediaServer({ PATH, MEDIAMTX_BIN: 'embedded' }, folder)).toEqual({ kind: 'embedded' });
  });

  it('is a complaint when the given one is not there', () => {
    expect(() => findMediaServer({ MEDIAMTX_BIN: '/nowhere/mediamtx' }, folder)).toThrow(
      'MEDIAMTX_BIN names no program: /nowhere/mediamtx',
    );
  });
});

const mediamtx = findOnPath('mediamtx', process.env.PATH);
const servers = [
  ['the stand-in', { kind: 'embedded' as const }],
  ...(mediamtx ? [['MediaMTX', { kind: 'mediamtx' as const, program: mediamtx }] as const] : []),
] as const;

describe.each(servers)('%s with our settings', (_, server) => {
  let folder: string;
  let door: Server;
  let options: MediaOptions;
  let media: RunningMedia;
  const asked: { action: string; authorization?: string }[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-media-'));
    door = createServer((request, response) => {
      void json(request).then((body) => {
        const { action, user } = body as { action: string; user: string };
        asked.push({ action, authorization: request.headers.authorization });
        response.writeHead(user === 'monitor' ? 204 : 401).end();
      });
    });
    await new Promise<void>((done) => door.listen(0, '127.0.0.1', done));
    const { ports } = await choosePorts({}, '127.0.0.1');
    options = {
      host: '127.0.0.1',
      publicHost: '127.0.0.1',
      ports,
      authUrl: `http://media:s3cret@127.0.0.1:${(door.address() as AddressInfo).port}/mediamtx/auth`,
      ffmpegPath: 'ffmpeg',
      configFile: join(rootDir, 'mediamtx', 'mediamtx.yml'),
      workDir: folder,
      environment: process.env,
    };
    media = await startMedia(server, options, { logDir: folder, show: () => {} });
  });
  afterAll(async () => {
    await media.close();
    await new Promise((done) => door.close(done));
    rmSync(folder, { recursive: true });
  });

  const api = (path: string, login?: string): Promise<Response> =>
    fetch(`${media.urls.apiUrl}${path}`, {
      headers: login ? { authorization: `Basic ${Buffer.from(login).toString('base64')}` } : {},
    });

  it('asks our door, with its secret, who may use the control API', async () => {
    const allowed = await api('/v3/paths/list', 'monitor:x');
    expect(allowed.status).toBe(200);
    expect(asked.at(-1)).toEqual({
      action: 'api',
      authorization: `Basic ${Buffer.from('media:s3cret').toString('base64')}`,
    });
    expect((await api('/v3/paths/list')).status).toBe(401);
  });

  it('listens where it was told to, and only there', () => {
    const wanted = [options.ports.rtmp, options.ports.rtsp, options.ports.hls, options.ports.mediaApi];
    const sockets = execFileSync('ss', ['-ltn'], { encoding: 'utf8' });
    for (const port of wanted) {
      expect(sockets).toContain(`127.0.0.1:${port} `);
      expect(sockets).not.toContain(`*:${port} `);
    }
  });

  if (server.kind === 'embedded') return;

  it('has what the settings file says in force', async () => {
    const settings = await (await api('/v3/config/global/get', 'monitor:x')).json();
    expect(settings).toMatchObject({
      authMethod: 'http',
      authHTTPExclude: [],
      rtspTransports: ['tcp'],
      moq: false,
      pprof: false,
      playback: false,
      webrtcAdditionalHosts: ['127.0.0.1'],
    });
  });

  it('knows the paths of robots and cameras and no others', async () => {
    const { items } = (await (await api('/v3/config/paths/list', 'monitor:x')).json()) as {
      items: { name: string; overridePublisher: boolean }[];
    };
    expect(items.map(({ name }) => name).sort()).toEqual(['~^cameras/.+$', '~^robots/.+$']);
    expect(items.every(({ overridePublisher }) => overridePublisher)).toBe(true);
  });

  it('writes a log without the secret of the door', () => {
    const log = readFileSync(join(folder, 'mediamtx.log'), 'utf8');
    expect(log).toContain('MediaMTX v');
    expect(log).not.toContain('s3cret');
  });

  it('says in one sentence that it could not start', async () => {
    const again = startMedia(server, options, { logDir: join(folder, 'second'), show: () => {} });
    // the ports are taken by the first; its API answers on them, so only the end of the process can tell
    const second = await again.catch((error: Error) => error);
    if (second instanceof Error)
      expect(second.message).toMatch(/mediamtx ended with exit code 1 before it was ready; see /);
    else expect(await second.child?.ended).toBe('ended with exit code 1');
  });
});
