import { withLogin, type Plan } from './environments';
import { findFfmpeg } from './ffmpeg';
import { givenMediaUrls, givenParts, publicHost, type GivenParts } from './given';
import { findMediaServer, mediaUrls, type MediaServer } from './media';
import type { Options } from './options';
import { choosePorts, type MovedPort, type PortName, type PortProbe } from './ports';
import { loadSecrets } from './secrets';

/** Everything that is decided before anything starts. */
export interface Choice {
  plan: Plan;
  given: GivenParts;
  server: MediaServer;
  moved: MovedPort[];
}

/** Which parts run here, where they listen, and what they are told. @throws Error with one sentence */
export async function choose(
  options: Options,
  environment: NodeJS.ProcessEnv,
  at: { runDir: string; dataDir: string; probe: PortProbe },
): Promise<Choice> {
  const { host } = options;
  const given = givenParts(environment);
  const server = findMediaServer(environment, at.runDir);
  const ffmpegPath = findFfmpeg(environment);
  const { ports, moved } = await choosePorts({ gateway: options.port }, host, at.probe);
  const secrets = loadSecrets(at.dataDir);
  const reachable = publicHost(host, environment);
  const media = given.mediaApiUrl
    ? givenMediaUrls(given.mediaApiUrl, environment)
    : mediaUrls(server.kind, reachable, ports);
  const plan: Plan = {
    host,
    publicHost: reachable,
    authHost: given.mediaApiUrl || given.mqttUrl ? host : '127.0.0.1',
    ports,
    secrets,
    databaseUrl: given.databaseUrl ?? '',
    externalMqttUrl: given.mqttUrl,
    mqttVersion: given.mqttUrl && environment.MQTT_VERSION !== '4' ? '5' : '4',
    mediaApiUrl: given.mediaApiUrl ?? withLogin(media.apiUrl, 'monitor', secrets.monitorApiSecret),
    media,
    ffmpegPath,
  };
  const unused = unusedPorts(options, given, server);
  return { plan, given, server, moved: moved.filter(({ name }) => !unused.has(name)) };
}

const MEDIA_PORTS: PortName[] = [
  'rtmp',
  'rtsp',
  'hls',
  'flv',
  'webrtc',
  'webrtcUdp',
  'srt',
  'mediaApi',
  'mediaMetrics',
];
const NOT_OF_STANDIN: PortName[] = ['webrtc', 'webrtcUdp', 'srt', 'mediaMetrics'];

/** Ports that nobody will listen on, so that it is no news when they are taken. */
function unusedPorts(options: Options, given: GivenParts, server: MediaServer): Set<PortName> {
  const unused = new Set<PortName>(server.kind === 'mediamtx' ? ['flv'] : NOT_OF_STANDIN);
  if (given.mediaApiUrl) MEDIA_PORTS.forEach((name) => unused.add(name));
  if (given.databaseUrl) unused.add('postgres');
  if (given.mqttUrl) unused.add('mqtt');
  if (!options.robot) unused.add('device');
  return unused;
}

/** The media server in words, for the banner. */
export function describeMediaServer({ given, server }: Choice): string {
  if (given.mediaApiUrl) return 'the given MediaMTX (MEDIAMTX_API_URL)';
  if (server.kind === 'mediamtx') return `MediaMTX (${server.program})`;
  return 'our stand-in, for development (npm run mediamtx:install fetches the real MediaMTX)';
}

/** What somebody has to set in parts that are not ours, one sentence each. */
export function hintsFor({ given, plan }: Choice, secretsFile: string): string[] {
  const door = `http://…:${plan.ports.auth}`;
  const hints: string[] = [];
  if (given.mediaApiUrl) {
    hints.push(
      `point MediaMTX' authHTTPAddress at ${door}/mediamtx/auth, user media, mediaHookSecret of ${secretsFile}`,
    );
  }
  if (given.mqttUrl) {
    hints.push(
      `let the broker ask ${door}/mqtt/authn, Basic user broker, brokerHookSecret of ${secretsFile}`,
    );
  }
  return hints;
}
