import { APPS, appEnvironment, demoSeed, withLogin, type Plan } from './environments';
import { mediaUrls } from './media';
import { USUAL_PORTS } from './ports';
import { newSecrets } from './secrets';

const aPlan = (more: Partial<Plan> = {}): Plan => ({
  host: '127.0.0.1',
  publicHost: '127.0.0.1',
  authHost: '127.0.0.1',
  ports: USUAL_PORTS,
  secrets: newSecrets(),
  databaseUrl: 'postgres://u:p@127.0.0.1:54329/rovercast',
  mqttVersion: '4',
  mediaApiUrl: 'http://monitor:x@127.0.0.1:9997',
  media: mediaUrls('mediamtx', '127.0.0.1', USUAL_PORTS),
  ffmpegPath: '/usr/bin/ffmpeg',
  ...more,
});

describe('environments of the apps', () => {
  it('gives every app an address of its own and the level that the person asked for', () => {
    const ports = APPS.map((app) => appEnvironment(app, aPlan(), { LOG_LEVEL: 'debug', PORT: '80' }));
    expect(ports.map((each) => each.PORT)).toEqual(['3001', '3002', '3000', '3003']);
    expect(ports.every((each) => each.LOG_LEVEL === 'debug')).toBe(true);
  });

  it('logs the gateway in at the embedded broker, and the robot with its own key', () => {
    const plan = aPlan();
    const { gatewayBrokerSecret, robotKey } = plan.secrets;
    expect(appEnvironment('gateway', plan, {}).MQTT_URL).toBe(
      `mqtt://gateway:${gatewayBrokerSecret}@127.0.0.1:1883`,
    );
    expect(appEnvironment('device', plan, {})).toMatchObject({
      ROBOT_ID: 'demo',
      ROBOT_KEY: robotKey,
      MQTT_URL: 'mqtt://127.0.0.1:1883',
      MQTT_VERSION: '4',
    });
    expect(appEnvironment('auth', plan, {}).BROKER_ACCOUNTS).toBe(`gateway:${gatewayBrokerSecret}`);
  });

  it('hands a given broker on as it is', () => {
    const plan = aPlan({ externalMqttUrl: 'mqtts://g:s@broker:8883', mqttVersion: '5' });
    expect(appEnvironment('gateway', plan, {})).toMatchObject({
      MQTT_URL: 'mqtts://g:s@broker:8883',
      MQTT_VERSION: '5',
    });
  });

  it('says what the media server does not serve', () => {
    const standin = appEnvironment(
      'gateway',
      aPlan({ media: mediaUrls('embedded', '127.0.0.1', USUAL_PORTS) }),
      {},
    );
    expect(standin).toMatchObject({
      MEDIA_WEBRTC_URL: 'none',
      MEDIA_SRT_URL: 'none',
      MEDIA_FLV_URL: 'http://127.0.0.1:8898',
    });
    expect(appEnvironment('gateway', aPlan(), {})).toMatchObject({
      MEDIA_FLV_URL: 'none',
      MEDIA_SRT_URL: 'srt://127.0.0.1:8890',
      MEDIA_INGEST_URL: 'rtsp://127.0.0.1:8554',
    });
  });

  it('lets no X_FILE of the surroundings win over our value, and keeps their cameras', () => {
    const given = {
      DATABASE_URL_FILE: '/run/secrets/db',
      CAMERAS: 'main=/dev/video0',
      LEGACY_BRIDGE_OPEN: 'true',
    };
    expect(appEnvironment('auth', aPlan(), given)).not.toHaveProperty('DATABASE_URL_FILE');
    expect(appEnvironment('device', aPlan(), given).CAMERAS).toBe('main=/dev/video0');
    expect(appEnvironment('gateway', aPlan(), given).LEGACY_BRIDGE_OPEN).toBe('true');
  });

  it('seeds the accounts with the secrets of the data folder', () => {
    const { secrets } = aPlan();
    expect(demoSeed({ secrets })).toMatchObject({
      users: [
        { username: 'admin', password: secrets.adminPassword, role: 'admin' },
        {
          username: 'viewer',
          password: secrets.viewerPassword,
          grants: [{ action: 'read', pattern: 'robots/**' }],
        },
      ],
      robots: [{ id: 'demo', ownerUsername: 'admin', key: secrets.robotKey }],
    });
  });

  it.each([
    ['http://127.0.0.1:9997', 'http://u:p%40@127.0.0.1:9997'],
    ['http://127.0.0.1:3001/mediamtx/auth', 'http://u:p%40@127.0.0.1:3001/mediamtx/auth'],
    ['mqtt://127.0.0.1:1883', 'mqtt://u:p%40@127.0.0.1:1883'],
  ])('puts a login into %s', (url, expected) => {
    expect(withLogin(url, 'u', 'p@')).toBe(expected);
  });
});
