import { deriveKeys, PasswordPool } from '@rovercast/access';
import { createDataSource, migrate } from '@rovercast/database';
import { Robots, Users } from '@rovercast/directory';
import { connectMqtt, mqttOptions } from '@rovercast/mqtt';
import { parseSettings } from '@rovercast/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect } from 'node:tls';
import type { DataSource } from 'typeorm';
import { parse } from 'yaml';
import { AuthSettings } from '../../apps/auth/src/auth.settings';
import { createAuthApp } from '../../apps/auth/src/auth.app';
import { brokerConnection } from '../../apps/gateway/src/gateway.app';
import { GatewaySettings } from '../../apps/gateway/src/gateway.settings';
import { startPostgres, type RunningPostgres } from '../../scripts/stack/postgres';
import { until } from '../support/until';
import { freePort, has, Processes } from './processes';

const ROOT = resolve(__dirname, '../..');
const HOOK = 'hook0123456789abcdef';
const MONITOR = 'monitor0123456789abcdef';
const PASSWORD = 'a long enough password';
const withMediaMtx =
  has('mediamtx') && has('ffmpeg', '-version') && has('openssl', 'version') ? describe : describe.skip;
const withMosquitto = has('mosquitto', '-h') && has('openssl', 'version') ? describe : describe.skip;

jest.setTimeout(90_000);

/** A folder that `npm run certificates` has filled. */
function certificates(folder: string, ...more: string[]): void {
  const args = [join(ROOT, 'scripts/certificates.mjs'), '--out', folder, '--host', 'localhost', ...more];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** The serial number of the certificate that a server shows. */
async function servedSerial(port: number, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca });
  try {
    await new Promise<void>((done, fail) => socket.once('secureConnect', done).once('error', fail));
    return socket.getPeerX509Certificate()!.serialNumber;
  } finally {
    socket.destroy();
  }
}

withMediaMtx('a real MediaMTX as production starts it', () => {
  const processes = new Processes();
  let folder: string;
  let ca: string;
  let postgres: RunningPostgres;
  let database: DataSource;
  let door: NestFastifyApplication;
  let robotKey: string;
  let ports: Record<
    'rtsps' | 'rtmps' | 'hls' | 'webrtc' | 'udp' | 'api' | 'metrics' | 'plainRtsp' | 'plainRtmp',
    number
  >;
  let server: ReturnType<Processes['start']>;
  const passwords = new PasswordPool(1);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-tls-'));
    certificates(folder);
    ca = readFileSync(join(folder, 'certificates/ca.crt'), 'utf8');
    postgres = await startPostgres({
      dataDir: join(folder, 'postgres'),
      port: await freePort(),
      password: 'postgres-of-a-test',
      settings: { fsync: 'off' },
    });
    database = createDataSource({ url: postgres.url(), applicationName: 'test' });
    await database.initialize();
    await migrate(database);
    const secret = 'k'.repeat(32);
    robotKey = (await new Robots(database, deriveKeys(secret)).create({ id: 'r1' }, 'test')).key;
    const users = new Users(database, passwords);
    await users.create({ username: 'eve', password: PASSWORD, role: 'viewer' }, 'test');
    await users.grant('eve', { action: 'read', pattern: 'robots/**' }, 'test');
    door = await createAuthApp(
      parseSettings(AuthSettings, {
        DATABASE_URL: postgres.url(),
        AUTH_SECRET: secret,
        MEDIA_HOOK_SECRET: HOOK,
        BROKER_HOOK_SECRET: 'broker0123456789abcdef',
        MACHINE_ACCOUNTS: `monitor:${MONITOR}:api,prometheus:${MONITOR}:metrics`,
        LOG_LEVEL: 'silent',
      }),
    );
    await door.listen(0, '127.0.0.1');
    ports = Object.fromEntries(
      await Promise.all(
        ['rtsps', 'rtmps', 'hls', 'webrtc', 'udp', 'api', 'metrics', 'plainRtsp', 'plainRtmp'].map(
          async (name) => [name, await freePort()],
        ),
      ),
    ) as typeof ports;
    const at = (name: keyof typeof ports): string => `127.0.0.1:${ports[name]}`;
    server = processes.start('sh', [join(ROOT, 'mediamtx/start.sh')], {
      MEDIAMTX_PROGRAM: 'mediamtx',
      MEDIAMTX_CONFIG: join(ROOT, 'mediamtx/mediamtx.yml'),
      MEDIA_HOOK_SECRET: HOOK,
      AUTH_URL: await door.getUrl(),
      MEDIAMTX_PUBLIC_HOST: 'localhost,203.0.113.7',
      TLS_CERT: join(folder, 'certificates/media.crt'),
      TLS_KEY: join(folder, 'certificates/media.key'),
      CORS_ORIGINS: 'https://console.example.com',
      TRUSTED_PROXIES: '10.0.0.0/8',
      TURN_URL: 'turn:turn.example.com:3478',
      TURN_SECRET: 'turn0123456789abcdef',
      HLS_CDN_SECRET: 'cdn0123456789abcdef',
      MTX_RTSPSADDRESS: at('rtsps'),
      MTX_RTSPADDRESS: at('plainRtsp'),
      MTX_RTMPSADDRESS: at('rtmps'),
      MTX_RTMPADDRESS: at('plainRtmp'),
      MTX_HLSADDRESS: at('hls'),
      MTX_WEBRTCADDRESS: at('webrtc'),
      MTX_WEBRTCLOCALUDPADDRESS: at('udp'),
      MTX_WEBRTCLOCALTCPADDRESS: '',
      MTX_APIADDRESS: at('api'),
      MTX_METRICSADDRESS: at('metrics'),
    });
    await until(() => server.output().includes('[API] started') || !server.running(), { timeoutMs: 20_000 });
    if (!server.running()) throw new Error(server.output());
  });

  afterAll(async () => {
    await processes.stopAll();
    await door?.close();
    await passwords.close();
    if (database?.isInitialized) await database.destroy();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = (
    port: number,
    path: string,
    auth = `monitor:${MONITOR}`,
  ): Promise<{ status: number; text: string }> =>
    new Promise((done, fail) => {
      const call = request(
        { host: '127.0.0.1', servername: 'localhost', port, path, auth, ca },
        (response) => {
          let text = '';
          response.on('data', (part: Buffer) => (text += part.toString()));
          response.on('end', () => done({ status: response.statusCode ?? 0, text }));
        },
      );
      call.on('error', fail).end();
    });

  const publish = (url: string) =>
    processes.start('ffmpeg', [
      ...'-nostdin -loglevel error -re -f lavfi -i testsrc=size=320x240:rate=15'.split(' '),
      ...'-c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p'.split(' '),
      ...(url.startsWith('rtmps') ? ['-f', 'flv'] : ['-f', 'rtsp', '-rtsp_transport', 'tcp']),
      url,
    ]);

  const decoded = async (url: string, frames: number): Promise<number> => {
    const player = processes.start('ffmpeg', [
      ...['-nostdin', '-loglevel', 'error'],
      ...(url.startsWith('rtsps') ? ['-rtsp_transport', 'tcp'] : []),
      ...['-i', url, '-map', '0:v', '-frames:v', String(frames), '-f', 'framecrc', '-'],
    ]);
    await player.exited;
    return player
      .output()
      .split('\n')
      .filter((line) => /^0, /.test(line)).length;
  };

  const path = async (name: string): Promise<any> =>
    JSON.parse((await get(ports.api, `/v3/paths/get/${name}`)).text);

  it('takes every setting that start.sh gives it', async () => {
    const conf = JSON.parse((await get(ports.api, '/v3/config/global/get')).text);
    expect(conf).toMatchObject({
      authMethod: 'http',
      authHTTPExclude: [],
      logStructured: true,
      rtspEncryption: 'strict',
      rtspTransports: ['tcp'],
      rtmpEncryption: 'strict',
      srt: false,
      hlsEncryption: true,
      hlsVariant: 'lowLatency',
      hlsAllowOrigins: ['https://console.example.com'],
      hlsTrustedProxies: ['10.0.0.0/8'],
      hlsCDNSecret: 'cdn0123456789abcdef',
      webrtcEncryption: true,
      webrtcAllowOrigins: ['https://console.example.com'],
      webrtcTrustedProxies: ['10.0.0.0/8'],
      webrtcIPsFromInterfaces: false,
      webrtcAdditionalHosts: ['localhost', '203.0.113.7'],
      webrtcICEServers2: [{ url: 'turn:turn.example.com:3478', username: 'AUTH_SECRET' }],
      apiEncryption: true,
      metricsEncryption: true,
      moq: false,
      pprof: false,
      playback: false,
    });
  });

  it('lets a robot publish over RTSPS with its key, and a viewer see it over RTSPS', async () => {
    publish(`rtsps://r1:${robotKey}@localhost:${ports.rtsps}/robots/r1`);
    await until(async () => (await path('robots/r1')).available === true, { timeoutMs: 20_000 });
    expect((await path('robots/r1')).source.type).toBe('rtspsSession');
    expect(
      await decoded(`rtsps://eve:${encodeURIComponent(PASSWORD)}@localhost:${ports.rtsps}/robots/r1`, 10),
    ).toBe(10);
  });

  it('refuses who has no key, encrypted or not', async () => {
    const stranger = publish(`rtsps://r1:wrong@localhost:${ports.rtsps}/robots/r1`);
    expect(await stranger.exited).not.toBe(0);
    expect(stranger.output()).toMatch(/401/);
  });

  it('lets a robot publish over RTMPS', async () => {
    publish(`rtmps://localhost:${ports.rtmps}/robots/r1/rear?user=r1&pass=${robotKey}`);
    await until(async () => (await path('robots/r1/rear')).available === true, { timeoutMs: 20_000 });
    expect((await path('robots/r1/rear')).source.type).toBe('rtmpsConn');
    expect(
      await decoded(`rtsps://eve:${encodeURIComponent(PASSWORD)}@localhost:${ports.rtsps}/robots/r1/rear`, 5),
    ).toBe(5);
  });

  it('serves low-latency HLS over HTTPS with a certificate that our authority signed', async () => {
    const auth = `eve:${PASSWORD}`;
    let playlist = { status: 0, text: '' };
    await until(
      async () => {
        playlist = await get(ports.hls, '/robots/r1/index.m3u8', auth);
        return playlist.status !== 500 && playlist.status !== 404;
      },
      { timeoutMs: 20_000 },
    );
    // Since v1.18.0 the first answer sends the player to a session of its own.
    expect([200, 302, 307]).toContain(playlist.status);
  });

  it('has no plain RTSP and no plain RTMP', async () => {
    for (const port of [ports.plainRtsp, ports.plainRtmp]) {
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    }
    expect(server.output()).not.toMatch(/\[RTSP\] started|\[RTMP\] started|\[SRT\] started/);
  });

  it('shows a renewed certificate without a restart, and drops nobody for it', async () => {
    const before = await servedSerial(ports.rtsps, ca);
    const publisher = (await path('robots/r1')).source.id;
    certificates(folder);
    const renewed = new X509Certificate(readFileSync(join(folder, 'certificates/media.crt'))).serialNumber;
    expect(renewed).not.toBe(before);
    await until(async () => (await servedSerial(ports.rtsps, ca)) === renewed, { timeoutMs: 15_000 });
    await until(async () => (await servedSerial(ports.hls, ca)) === renewed, { timeoutMs: 15_000 });
    expect((await path('robots/r1')).source.id).toBe(publisher);
  });

  it('keeps secrets out of its log', () => {
    for (const secret of [HOOK, robotKey, PASSWORD, MONITOR]) expect(server.output()).not.toContain(secret);
  });
});

withMosquitto('Mosquitto as production starts it', () => {
  const processes = new Processes();
  let folder: string;
  let port: number;
  let broker: ReturnType<Processes['start']>;

  const file = (...parts: string[]): string => join(folder, ...parts);
  const writeAccess = (logins: Record<string, string>): void => {
    const name = file('access/passwords.new');
    writeFileSync(
      name,
      Object.entries(logins)
        .map((pair) => pair.join(':'))
        .join('\n'),
      { mode: 0o644 },
    );
    expect(spawnSync('mosquitto_passwd', ['-U', name]).status).toBe(0);
    spawnSync('mv', [name, file('access/passwords')]);
    writeFileSync(
      file('access/acl'),
      Object.keys(logins)
        .map((user) => `user ${user}\ntopic readwrite t/${user}\n`)
        .join('\n'),
    );
    // As root, Mosquitto gives up its rights and reads the files as somebody else.
    chmodSync(file('access/passwords'), 0o644);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-mqtts-'));
    chmodSync(folder, 0o755);
    certificates(folder);
    chmodSync(folder, 0o755);
    mkdirSync(file('access'), { mode: 0o755 });
    writeAccess({ gateway: 'gateway-secret-0123' });
    port = await freePort();
    const conf = readFileSync(join(ROOT, 'compose/mosquitto.conf'), 'utf8')
      .replace('listener 8883', `listener ${port} 127.0.0.1`)
      .replaceAll('/certificates/', `${file('certificates')}/`)
      .replaceAll('/mosquitto/access/', `${file('access')}/`)
      .replace('persistence true', 'persistence false');
    writeFileSync(file('mosquitto.conf'), conf);
    broker = processes.start('sh', [join(ROOT, 'compose/mosquitto.sh'), file('mosquitto.conf')], {
      ACCESS_DIR: file('access'),
      CERTIFICATES_DIR: file('certificates'),
    });
    const ca = readFileSync(file('certificates/ca.crt'), 'utf8');
    const answers = (): Promise<boolean> => servedSerial(port, ca).then(Boolean, () => false);
    await until(async () => !broker.running() || (await answers()), { timeoutMs: 15_000 });
    if (!broker.running()) throw new Error(broker.output());
  });
  afterAll(async () => {
    await processes.stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Connects once with what the gateway makes of its settings; the first outcome. */
  async function connects(environment: Record<string, string>): Promise<string> {
    const settings = parseSettings(GatewaySettings, {
      DATABASE_URL: 'postgres://a:b@localhost/c',
      AUTH_SECRET: 'k'.repeat(32),
      MONITOR_TOKEN: 'm'.repeat(16),
      ...environment,
    });
    const client = connectMqtt(mqttOptions(brokerConnection(settings, 'gw-test')));
    try {
      return await new Promise<string>((done) => {
        client.once('connect', () => done('connected'));
        client.once('error', (error) => done(error.message));
      });
    } finally {
      await client.endAsync(true);
    }
  }
  const url = (password = 'gateway-secret-0123'): string => `mqtts://gateway:${password}@localhost:${port}`;

  it('lets the gateway in that trusts its authority (MQTT_CA_FILE)', async () => {
    expect(await connects({ MQTT_URL: url(), MQTT_CA_FILE: file('certificates/ca.crt') })).toBe('connected');
  });

  it('is refused by a gateway that trusts another authority, or only those that everybody knows', async () => {
    certificates(file('other'));
    expect(await connects({ MQTT_URL: url(), MQTT_CA_FILE: file('other/certificates/ca.crt') })).toMatch(
      /certificate/,
    );
    expect(await connects({ MQTT_URL: url() })).toMatch(/certificate/);
  });

  it('turns a wrong password away, and whoever speaks without encryption', async () => {
    expect(await connects({ MQTT_URL: url('wrong'), MQTT_CA_FILE: file('certificates/ca.crt') })).toMatch(
      /authorized/i,
    );
    expect(await connects({ MQTT_URL: url().replace('mqtts', 'mqtt') })).not.toBe('connected');
  });

  it('follows its files: a new login works and an old one no longer, without a restart', async () => {
    const ca = { MQTT_CA_FILE: file('certificates/ca.crt') };
    writeAccess({ gateway: 'another-secret-0123' });
    await until(
      async () => (await connects({ MQTT_URL: url('another-secret-0123'), ...ca })) === 'connected',
      { timeoutMs: 15_000 },
    );
    expect(await connects({ MQTT_URL: url(), ...ca })).not.toBe('connected');
    expect(broker.running()).toBe(true);
  });

  it('shows a renewed certificate without a restart', async () => {
    certificates(folder);
    const ca = readFileSync(file('certificates/ca.crt'), 'utf8');
    const renewed = new X509Certificate(readFileSync(file('certificates/broker.crt'))).serialNumber;
    await until(async () => (await servedSerial(port, ca)) === renewed, { timeoutMs: 15_000 });
  });
});

describe('mediamtx.yml and start.sh against the OpenAPI of v1.20.1', () => {
  const file = '/work/shared/reference/mediamtx-openapi-v1.20.1.yaml';
  const maybe = existsSync(file) ? it : it.skip;
  maybe('name only settings that exist', () => {
    const { schemas } = parse(readFileSync(file, 'utf8')).components;
    const known = Object.keys(schemas.GlobalConf.properties).map((key) => key.toUpperCase());
    const pathKeys = Object.keys(schemas.PathConf.properties);
    const given = [
      ...readFileSync(join(ROOT, 'mediamtx/start.sh'), 'utf8').matchAll(
        /\bMTX_([A-Z0-9]+)(?:_[A-Z0-9_]+)?=/g,
      ),
    ].map(([, key]) => key);
    expect(given.length).toBeGreaterThan(25);
    expect(given.filter((key) => key !== 'PATHDEFAULTS' && !known.includes(key))).toEqual([]);
    for (const name of ['mediamtx/mediamtx.yml', 'k8s/overlays/scale/edge.yml']) {
      const { paths, ...global } = parse(readFileSync(join(ROOT, name), 'utf8'));
      expect(Object.keys(global).filter((key) => !(key in schemas.GlobalConf.properties))).toEqual([]);
      expect(
        Object.values<object>(paths)
          .flatMap((path) => Object.keys(path))
          .filter((key) => !pathKeys.includes(key)),
      ).toEqual([]);
    }
  });
});
