import { parseSettings } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { variants, type MediaServer } from '../../../../test/contract/media-servers';
import { play } from '../../../../test/e2e/support/player';
import { until } from '../../../../test/support/until';
import { createRelayApp } from './relay-app';
import { RelaySettings } from './relay.settings';

jest.setTimeout(60_000);

const KEY = `rk_${'k'.repeat(43)}`;
const OTHER = `rk_${'o'.repeat(43)}`;
const PATH = 'robots/r9';

/** A door that knows one robot, and lets anybody watch. */
async function aDoor(asked: { action: string; path: string; user: string }[]): Promise<Server> {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { action, path, user, password } = body as Record<string, string>;
      asked.push({ action, path, user });
      const good = action !== 'publish' || (user === 'r9' && password === KEY && path === PATH);
      response.writeHead(good ? 204 : 401).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A robot that can do nothing but send H.264 over RTP. */
function aSender(port: number, payloadType = 96): ChildProcess {
  return spawn(
    'ffmpeg',
    [
      ...'-nostdin -loglevel error -re -f lavfi -i testsrc2=size=320x240:rate=15'.split(' '),
      ...'-c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p'.split(' '),
      ...`-flags -global_header -payload_type ${payloadType} -f rtp rtp://127.0.0.1:${port}?pkt_size=1200`.split(
        ' ',
      ),
    ],
    { stdio: 'ignore' },
  );
}

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).error === undefined;

/** Two even ports that are free for now, for RTP and RTCP. */
async function aPort(): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    if (port % 2 === 0 && port < 65_000) return port;
  }
}

(hasFfmpeg ? describe : describe.skip).each(variants)('a relay in front of $name', (variant) => {
  let media: MediaServer;
  let door: Server;
  let port: number;
  let app: NestFastifyApplication | undefined;
  const asked: { action: string; path: string; user: string }[] = [];
  const senders: ChildProcess[] = [];

  beforeAll(async () => {
    door = await aDoor(asked);
    media = await variant.start(`http://127.0.0.1:${(door.address() as AddressInfo).port}/auth`);
  });

  afterEach(async () => {
    for (const sender of senders.splice(0)) sender.kill('SIGKILL');
    await app?.close();
    app = undefined;
    asked.length = 0;
  });

  afterAll(async () => {
    await media?.close();
    door?.closeAllConnections();
    door?.close();
  });

  const start = async (change: Record<string, string> = {}): Promise<void> => {
    port = await aPort();
    app = await createRelayApp(
      parseSettings(RelaySettings, {
        LOG_LEVEL: 'silent',
        PORT: '0',
        RELAYS: `r9:${port}`,
        RELAY_PORTS: '1024-65535',
        RELAY_KEYS: `r9:${KEY}`,
        RELAY_HOST: '127.0.0.1',
        RELAY_MEDIA_URL: media.rtsp,
        RELAY_SILENCE_SECONDS: '5',
        ...change,
      }),
    );
    await app.listen(0, '127.0.0.1');
  };

  const relay = async (): Promise<{ state: string; starts: number; lastProblem: string | null }> => {
    const { items } = (await (await fetch(`${await app!.getUrl()}/relays`)).json()) as { items: never[] };
    return items[0];
  };

  const send = (payloadType?: number): ChildProcess => {
    const sender = aSender(port, payloadType);
    senders.push(sender);
    return sender;
  };

  it('publishes what a robot sends, as that robot, for as long as it sends', async () => {
    await start();
    expect((await relay()).state).toBe('waiting');
    const sender = send();
    await until(async () => (await relay()).state === 'live', { timeoutMs: 15_000 });
    const played = await play(`${media.rtsp}/${PATH}`, { frames: 30 });
    expect(played.frames).toBe(30);
    expect(played.different).toBeGreaterThan(20);
    expect(asked.find(({ action, user }) => action === 'publish' && user !== '')).toEqual({
      action: 'publish',
      path: PATH,
      user: 'r9',
    });
    sender.kill('SIGKILL');
    await until(async () => (await relay()).state === 'waiting', { timeoutMs: 15_000 });
    send();
    await until(async () => (await relay()).state === 'live', { timeoutMs: 15_000 });
    expect((await play(`${media.rtsp}/${PATH}`, { frames: 10 })).frames).toBe(10);
    expect((await relay()).starts).toBe(2);
  });

  it('starts nothing for what is no RTP of its kind', async () => {
    await start();
    const noise = createSocket('udp4');
    for (const text of ['hello', '', 'x'.repeat(1_400)])
      await new Promise((resolve) => noise.send(text, port, '127.0.0.1', resolve));
    send(97);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await relay()).toMatchObject({ state: 'waiting', starts: 0 });
    noise.close();
  });

  it('does not go live with a wrong key, and tries again with pauses', async () => {
    await start({ RELAY_KEYS: `r9:${OTHER}` });
    send();
    await until(async () => (await relay()).lastProblem !== null, { timeoutMs: 25_000 });
    expect((await relay()).state).not.toBe('live');
    expect(JSON.stringify(await relay())).not.toContain(OTHER);
    expect((await relay()).starts).toBeLessThan(5);
  });

  it('leaves no FFmpeg behind', async () => {
    await start();
    send();
    await until(async () => (await relay()).state === 'live', { timeoutMs: 15_000 });
    const running = (): string => spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout;
    expect(running()).toContain(`r9-${port}.sdp`);
    await app!.close();
    app = undefined;
    expect(running()).not.toContain(`r9-${port}.sdp`);
  });
});

it('says that a port is taken, and takes it when it is free', async () => {
  const port = await aPort();
  const other = createSocket('udp4');
  await new Promise<void>((resolve) => other.bind(port, '127.0.0.1', resolve));
  const app = await createRelayApp(
    parseSettings(RelaySettings, {
      LOG_LEVEL: 'silent',
      RELAYS: `r9:${port}`,
      RELAY_PORTS: '1024-65535',
      RELAY_KEYS: `r9:${KEY}`,
      RELAY_HOST: '127.0.0.1',
    }),
  );
  await app.listen(0, '127.0.0.1');
  const ready = async (): Promise<number> => (await fetch(`${await app.getUrl()}/health/ready`)).status;
  await until(async () => (await ready()) === 503);
  await new Promise<void>((resolve) => other.close(() => resolve()));
  await until(async () => (await ready()) === 200, { timeoutMs: 10_000 });
  await app.close();
});

it('names every bad setting, and no key', () => {
  const settings = {
    RELAYS: 'r9:1',
    RELAY_KEYS: 'r9:very-secret',
    RELAY_PORTS: 'x',
    RELAY_MEDIA_URL: 'http://x',
  };
  const parse = (): unknown => parseSettings(RelaySettings, settings);
  for (const name of Object.keys(settings)) expect(parse).toThrow(name);
  expect(parse).not.toThrow('very-secret');
});
