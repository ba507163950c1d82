import type { PublishProtocol, StreamProfile } from '@rovercast/contracts';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../../test/support/brokers';
import type { Camera, CameraSource } from '../settings/cameras.rules';
import { skipped, until } from '../test-parts';
import { CameraRuntime, type Happening } from '../stream/camera.runtime';
import { causeOf } from './cause.rules';
import { discoverEncoders, type Encoders } from './encoder.discovery';
import { EncoderProcess, type EncoderExit } from './encoder.process';
import { EncoderService } from './encoder.service';
import { publishTarget } from './pipeline.rules';

const PROFILE = { width: 320, height: 180, fps: 15, bitrateKbps: 300 };
const TEST: Camera = { name: 'main', source: { kind: 'test' } };
const hasMediaMtx = spawnSync('mediamtx', ['--version']).error === undefined;

/** Pictures that a reader decodes from a stream, by their hashes. */
async function decode(ffmpeg: string, input: string[], frames: number): Promise<string[]> {
  const reader = spawn(ffmpeg, [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...input],
    ...['-map', '0:v:0', '-frames:v', `${frames}`, '-f', 'framemd5', 'pipe:1'],
  ]);
  let text = '';
  reader.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const killer = setTimeout(() => reader.kill('SIGKILL'), 12_000);
  await once(reader, 'close');
  clearTimeout(killer);
  return text
    .split('\n')
    .filter((line) => /^0,/.test(line))
    .map((line) => line.split(',').at(-1)!.trim());
}

const discovered = discoverEncoders({});

/** The optional npm package's binary, a path that leads nowhere when it is not installed. */
function shippedFfmpeg(): string {
  try {
    return jest.requireActual<{ path: string }>('@ffmpeg-installer/ffmpeg').path;
  } catch {
    return '/nowhere/@ffmpeg-installer';
  }
}

/** One live encoder; what it says at its end. */
async function startEncoder(
  backend: 'ffmpeg' | 'gstreamer',
  url: string,
  protocol: PublishProtocol,
  { camera = TEST, encoders }: { camera?: Camera; encoders?: Encoders } = {},
): Promise<{ encoder: EncoderProcess; exits: EncoderExit[]; isLive: () => boolean }> {
  const service = new EncoderService({ encoder: backend }, encoders ?? (await discovered));
  const command = await service.commandFor(
    camera,
    PROFILE,
    publishTarget({ url, protocol, token: 'ticket' }),
  );
  const exits: EncoderExit[] = [];
  let live = false;
  const encoder = new EncoderProcess(command, {
    live: () => (live = true),
    exit: (exit) => exits.push(exit),
  });
  return { encoder, exits, isLive: () => live };
}

describe.each([
  ['the machine', {}],
  ['npm', { ffmpegPath: shippedFfmpeg() }],
])('the ffmpeg of %s', (_, paths) => {
  it('publishes over RTMP a picture that moves, to a listener by host name', async () => {
    const encoders = await discoverEncoders(paths);
    const { ffmpeg } = encoders;
    if (!ffmpeg) return skipped('no ffmpeg runs on this machine');
    const port = await freePort();
    const url = `rtmp://localhost:${port}/robots/r1`;
    const reader = (await discovered).ffmpeg?.path ?? ffmpeg.path;
    const pictures = decode(reader, ['-listen', '1', '-i', `rtmp://127.0.0.1:${port}/robots/r1`], 30);
    let started = await startEncoder('ffmpeg', url, 'rtmp', { encoders });
    // The listener may need a moment until it listens.
    const isLive = async (): Promise<boolean> => {
      if (started.exits.length > 0) started = await startEncoder('ffmpeg', url, 'rtmp', { encoders });
      return started.isLive();
    };
    await until(isLive, { timeoutMs: 10_000 });
    const hashes = await pictures;
    started.encoder.stop();
    await until(() => started.exits.length > 0);
    expect(hashes.length).toBeGreaterThanOrEqual(25);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('bare RTP', () => {
  it.each<'ffmpeg' | 'gstreamer'>(['ffmpeg', 'gstreamer'])(
    'from %s is decoded by who has nothing but port and payload type',
    async (backend) => {
      const encoders = await discovered;
      if (!encoders[backend] || !encoders.ffmpeg) return skipped(`no ${backend} runs on this machine`);
      const port = await freePort();
      const sdp = join(mkdtempSync(join(tmpdir(), 'sdp-')), 'stream.sdp');
      const lines = [
        ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=relay', 'c=IN IP4 127.0.0.1', 't=0 0'],
        ...[`m=video ${port} RTP/AVP 96`, 'a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1'],
      ];
      writeFileSync(sdp, `${lines.join('\r\n')}\r\n`);
      const pictures = decode(encoders.ffmpeg.path, ['-protocol_whitelist', 'file,udp,rtp', '-i', sdp], 20);
      const { encoder, exits, isLive } = await startEncoder(backend, `rtp://127.0.0.1:${port}`, 'rtp');
      await until(isLive, { timeoutMs: 10_000 });
      const hashes = await pictures;
      encoder.stop();
      await until(() => exits.length === 1);
      expect(new Set(hashes).size).toBeGreaterThan(15);
    },
  );
});

describe('MediaMTX', () => {
  if (!hasMediaMtx) {
    it.skip('skipped: there is no mediamtx on the PATH', () => {});
    return;
  }
  let server: ChildProcess;
  const ports: Record<PublishProtocol | 'api', number> = { rtsp: 0, rtmp: 0, srt: 0, rtp: 0, api: 0 };

  beforeAll(async () => {
    for (const name of ['rtsp', 'rtmp', 'srt', 'api'] as const) ports[name] = await freePort();
    const file = join(mkdtempSync(join(tmpdir(), 'mediamtx-')), 'mediamtx.yml');
    const permissions = ['read', 'api', 'publish'].map((action) =>
      action === 'publish' ? `{ action: publish, path: "~^robots/" }` : `{ action: ${action} }`,
    );
    writeFileSync(
      file,
      [
        'logLevel: error',
        'authMethod: internal',
        `authInternalUsers: [{ user: any, permissions: [${permissions.join(', ')}] }]`,
        `rtspTransports: [tcp]\nrtspAddress: 127.0.0.1:${ports.rtsp}`,
        `rtmpAddress: 127.0.0.1:${ports.rtmp}`,
        `srtAddress: 127.0.0.1:${ports.srt}`,
        `api: true\napiAddress: 127.0.0.1:${ports.api}`,
        'hls: false\nwebrtc: false\nmoq: false\npaths: { all_others: {} }\n',
      ].join('\n'),
    );
    server = spawn('mediamtx', [file], { stdio: 'ignore' });
    await until(async () => {
      const socket = connect(ports.rtsp, '127.0.0.1');
      return once(socket, 'connect').then(
        () => (socket.destroy(), true),
        () => false,
      );
    });
  });

  afterAll(async () => {
    server.kill('SIGKILL');
    if (server.exitCode === null) await once(server, 'exit');
  });

  const isReady = async (path: string): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${ports.api}/v3/paths/get/${path}`);
    return ((await answer.json()) as { ready?: boolean }).ready === true;
  };

  const urlOf = (protocol: PublishProtocol, path: string): string =>
    `${protocol}://127.0.0.1:${ports[protocol]}/${path}`;

  it.each<['ffmpeg' | 'gstreamer', PublishProtocol]>([
    ['ffmpeg', 'rtsp'],
    ['ffmpeg', 'rtmp'],
    ['ffmpeg', 'srt'],
    ['gstreamer', 'rtsp'],
    ['gstreamer', 'rtmp'],
    ['gstreamer', 'srt'],
  ])('takes a moving baseline picture from %s over %s', async (backend, protocol) => {
    const encoders = await discovered;
    if (!encoders[backend] || !encoders.ffmpeg)
      return void skipped(`skipped: no ${backend} runs on this machine`);
    if (backend === 'ffmpeg' && protocol === 'srt' && encoders.ffmpeg.needsAddresses) {
      return void skipped('skipped: the ffmpeg from npm has no SRT');
    }
    const path = `robots/${backend}-${protocol}`;
    const { encoder, exits, isLive } = await startEncoder(backend, urlOf(protocol, path), protocol);
    await until(isLive, { timeoutMs: 10_000 });
    const item = async (): Promise<{
      ready?: boolean;
      tracks2?: { codec: string; codecProps: { width: number } }[];
    }> => (await fetch(`http://127.0.0.1:${ports.api}/v3/paths/get/${path}`)).json() as never;
    // Over SRT the server learns the picture's size from the stream itself.
    const expected = {
      codec: 'H264',
      codecProps: expect.objectContaining({
        width: 320,
        height: 180,
        profile: expect.stringMatching(/Baseline/i),
      }),
    };
    await until(async () => (await item()).tracks2?.[0]?.codecProps.width === 320, { timeoutMs: 10_000 });
    expect((await item()).tracks2).toEqual([expect.objectContaining(expected)]);
    const hashes = await decode(
      encoders.ffmpeg.path,
      ['-rtsp_transport', 'tcp', '-i', urlOf('rtsp', path)],
      30,
    );
    encoder.stop();
    await until(() => exits.length === 1);
    expect(hashes.length).toBeGreaterThanOrEqual(25);
    expect(new Set(hashes).size).toBeGreaterThan(20);
  });

  it.each<'ffmpeg' | 'gstreamer'>(['ffmpeg', 'gstreamer'])(
    'sees another size on the same path after a change of profile under %s, and the gap is measured',
    async (backend) => {
      const encoders = await discovered;
      if (!encoders[backend]) return skipped(`no ${backend} runs on this machine`);
      const path = `robots/${backend}-changes`;
      const silent = { report: () => {}, askSync: () => {}, failure: () => {} };
      const service = new EncoderService({ encoder: backend }, encoders);
      const runtime = new CameraRuntime(TEST, PROFILE, service, silent);
      const wish = (version: number, profile: StreamProfile): Happening => ({
        type: 'wish',
        carrier: 'cmd',
        leaseMs: 30_000,
        wish: {
          ...{ v: 1, requestId: `${version}`, version, state: 'on', camera: 'main', profile },
          ...{ sessionId: '01890000-0000-7000-8000-000000000001', leaseTtlMs: 30_000, issuedAt: 0 },
          ingest: { url: urlOf('rtsp', path), protocol: 'rtsp', token: 't', tokenExpiresAt: 60_000 },
        },
      });
      const width = async (): Promise<number | undefined> => {
        const answer = await fetch(`http://127.0.0.1:${ports.api}/v3/paths/get/${path}`);
        const item = (await answer.json()) as { tracks2?: { codecProps: { width: number } }[] };
        return item.tracks2?.[0]?.codecProps.width;
      };
      runtime.tell(wish(1, PROFILE));
      await until(async () => (await width()) === 320, { timeoutMs: 10_000 });
      expect(runtime.lastGapMs).toBeUndefined();
      await until(() => runtime.state.run?.phase === 'live');
      runtime.tell(wish(2, { ...PROFILE, width: 640, height: 360 }));
      await until(async () => (await width()) === 640, { timeoutMs: 10_000 });
      await until(() => runtime.lastGapMs !== undefined);
      process.stderr.write(`gap at a change of profile (${backend}): ${runtime.lastGapMs} ms\n`);
      expect(runtime.lastGapMs).toBeLessThan(5_000);
      await runtime.shutdown();
    },
  );

  it.each<['ffmpeg' | 'gstreamer', 'file' | 'rtsp']>([
    ['ffmpeg', 'file'],
    ['ffmpeg', 'rtsp'],
    ['gstreamer', 'rtsp'],
  ])('takes from %s the picture of a camera of kind %s', async (backend, kind) => {
    const encoders = await discovered;
    const { ffmpeg } = encoders;
    if (!ffmpeg || !encoders[backend]) return skipped(`no ${backend} runs on this machine`);
    const origin = await startEncoder('ffmpeg', urlOf('rtsp', 'robots/origin'), 'rtsp');
    await until(origin.isLive, { timeoutMs: 10_000 });
    const file = join(mkdtempSync(join(tmpdir(), 'camera-')), 'loop.mp4');
    const picture = 'testsrc2=size=640x480:rate=25:duration=2';
    spawnSync(ffmpeg.path, ['-f', 'lavfi', '-i', picture, '-pix_fmt', 'yuv420p', file]);
    const source: CameraSource =
      kind === 'file' ? { kind, path: file } : { kind, url: urlOf('rtsp', 'robots/origin') };
    const path = `robots/${backend}-from-${kind}`;
    const { encoder, exits, isLive } = await startEncoder(backend, urlOf('rtsp', path), 'rtsp', {
      camera: { name: 'front', source },
    });
    await until(() => isLive() || exits.length > 0, { timeoutMs: 10_000 });
    expect(exits).toEqual([]);
    await until(() => isReady(path), { timeoutMs: 10_000 });
    const hashes = await decode(ffmpeg.path, ['-rtsp_transport', 'tcp', '-i', urlOf('rtsp', path)], 20);
    encoder.stop();
    origin.encoder.stop();
    await until(() => exits.length === 1 && origin.exits.length === 1);
    expect(new Set(hashes).size).toBeGreaterThan(15);
  });

  it.each<['ffmpeg' | 'gstreamer', PublishProtocol]>([
    ['ffmpeg', 'rtsp'],
    ['ffmpeg', 'rtmp'],
    ['gstreamer', 'rtsp'],
  ])(
    'refuses %s over %s on a path of others, which is told apart from being away',
    async (backend, protocol) => {
      if (!(await discovered)[backend]) return void skipped(`skipped: no ${backend} runs on this machine`);
      const refused = await startEncoder(backend, urlOf(protocol, 'others/x'), protocol);
      const away = await startEncoder(backend, `${protocol}://127.0.0.1:9/robots/x`, protocol);
      await until(() => refused.exits.length + away.exits.length === 2, { timeoutMs: 15_000 });
      const cause = ({ lines }: EncoderExit): string => causeOf({ lines, source: TEST.source });
      expect([cause(refused.exits[0]), cause(away.exits[0])]).toEqual([
        'ingest_refused',
        'ingest_unreachable',
      ]);
    },
  );
});
