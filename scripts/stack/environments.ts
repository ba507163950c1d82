import type { MediaUrls } from './media';
import type { Ports } from './ports';
import type { Secrets } from './secrets';

export const APPS = ['auth', 'monitor', 'gateway', 'device'] as const;
export type AppName = (typeof APPS)[number];

/** The demo robot that `npm start` runs. */
export const DEMO_ROBOT = 'demo';

/** Everything about one system that its apps are told. */
export interface Plan {
  host: string;
  publicHost: string;
  /** Where auth listens: others than us call it when the broker or the media server is not ours. */
  authHost: string;
  ports: Ports;
  secrets: Secrets;
  databaseUrl: string;
  /** Undefined: the embedded one. */
  externalMqttUrl?: string;
  mqttVersion: '4' | '5';
  mediaApiUrl: string;
  media: MediaUrls;
  ffmpegPath?: string;
}

/** How the gateway is told that the media server does not speak a protocol. */
const NOT_SERVED = 'none';

export const localUrl = (port: number): string => `http://127.0.0.1:${port}`;

/** A URL with a login in it. */
export function withLogin(url: string, user: string, password: string): string {
  const full = new URL(url);
  full.username = user;
  full.password = password;
  return full.toString().replace(/\/$/, url.endsWith('/') ? '/' : '');
}

function authSettings({ ports, secrets, databaseUrl, authHost }: Plan): Record<string, string> {
  return {
    HOST: authHost,
    PORT: String(ports.auth),
    DATABASE_URL: databaseUrl,
    AUTH_SECRET: secrets.authSecret,
    MEDIA_HOOK_SECRET: secrets.mediaHookSecret,
    BROKER_HOOK_SECRET: secrets.brokerHookSecret,
    BROKER_ACCOUNTS: `gateway:${secrets.gatewayBrokerSecret}`,
    MACHINE_ACCOUNTS: `monitor:${secrets.monitorApiSecret}:api,prometheus:${secrets.prometheusSecret}:metrics`,
    MIGRATE_ON_START: 'true',
  };
}

function monitorSettings({ ports, secrets, databaseUrl, mediaApiUrl }: Plan): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(ports.monitor),
    DATABASE_URL: databaseUrl,
    AUTH_SECRET: secrets.authSecret,
    MEDIAMTX_API_URL: mediaApiUrl,
    MONITOR_TOKEN: secrets.monitorToken,
  };
}

const embeddedMqttUrl = ({ ports }: Plan): string => `mqtt://127.0.0.1:${ports.mqtt}`;

function gatewaySettings(plan: Plan): Record<string, string> {
  const { ports, secrets, media } = plan;
  return {
    HOST: plan.host,
    PORT: String(ports.gateway),
    DATABASE_URL: plan.databaseUrl,
    AUTH_SECRET: secrets.authSecret,
    MQTT_URL:
      plan.externalMqttUrl ?? withLogin(embeddedMqttUrl(plan), 'gateway', secrets.gatewayBrokerSecret),
    MQTT_VERSION: plan.mqttVersion,
    MONITOR_URL: localUrl(ports.monitor),
    MONITOR_TOKEN: secrets.monitorToken,
    MEDIAMTX_PUBLIC_HOST: plan.publicHost,
    MEDIA_RTSP_URL: media.rtspUrl ?? NOT_SERVED,
    MEDIA_RTMP_URL: media.rtmpUrl ?? NOT_SERVED,
    MEDIA_HLS_URL: media.hlsUrl ?? NOT_SERVED,
    MEDIA_WEBRTC_URL: media.webrtcUrl ?? NOT_SERVED,
    MEDIA_SRT_URL: media.srtUrl ?? NOT_SERVED,
    MEDIA_FLV_URL: media.flvUrl ?? NOT_SERVED,
    MEDIA_INGEST_URL: media.rtspUrl ?? NOT_SERVED,
  };
}

function deviceSettings(plan: Plan): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(plan.ports.device),
    ROBOT_ID: DEMO_ROBOT,
    ROBOT_KEY: plan.secrets.robotKey,
    MQTT_URL: plan.externalMqttUrl ?? embeddedMqttUrl(plan),
    MQTT_VERSION: plan.mqttVersion,
    CAMERAS: 'main=test',
    FFMPEG_PATH: plan.ffmpegPath ?? 'ffmpeg',
  };
}

const SETTINGS: Record<AppName, (plan: Plan) => Record<string, string>> = {
  auth: authSettings,
  monitor: monitorSettings,
  gateway: gatewaySettings,
  device: deviceSettings,
};

/** What the person may set for an app by an environment variable of their own. */
const YIELDING = new Set(['CAMERAS']);

/** The environment of one app: the one we were started in, with our settings over it. */
export function appEnvironment(app: AppName, plan: Plan, given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { NODE_ENV: 'production', ...given };
  for (const [name, value] of Object.entries(SETTINGS[app](plan))) {
    if (YIELDING.has(name) && given[name]) continue;
    delete environment[`${name}_FILE`]; // would win over ours
    environment[name] = value;
  }
  return environment;
}

/** The users and robots of a new system, as the auth app's command line takes them. */
export function demoSeed({ secrets }: Pick<Plan, 'secrets'>): object {
  return {
    users: [
      { username: 'admin', password: secrets.adminPassword, role: 'admin', grants: [] },
      {
        username: 'viewer',
        password: secrets.viewerPassword,
        role: 'viewer',
        grants: [{ action: 'read', pattern: 'robots/**' }],
      },
    ],
    robots: [
      { id: DEMO_ROBOT, name: 'Demo robot', kind: 'agent', ownerUsername: 'admin', key: secrets.robotKey },
    ],
  };
}
