import { legacyEnvironment } from './legacy-environment.rules';
import { legacyIngest } from './legacy-ingest.rules';

describe('legacyEnvironment', () => {
  it.each([
    [{ MQTT_BROKER: 'b' }, { MQTT_URL: 'mqtt://b:1883' }],
    [{ MQTT_BROKER: 'b', MQTT_PORT: '99' }, { MQTT_URL: 'mqtt://b:99' }],
    [{ MQTT_BROKER: 'mqtts://b' }, { MQTT_URL: 'mqtts://b' }],
    [{ MQTT_BROKER: '::1' }, { MQTT_URL: 'mqtt://[::1]:1883' }],
    [{ MQTT_BROKER: 'b', MQTT_URL: 'mqtt://new' }, { MQTT_URL: 'mqtt://new' }],
    [{ MQTT_USER: 'r7' }, { MQTT_USERNAME: 'r7', ROBOT_ID: 'r7' }],
    [
      { MQTT_USER: 'r7', ROBOT_ID: 'r1' },
      { MQTT_USERNAME: 'r7', ROBOT_ID: 'r1' },
    ],
    [{ MQTT_USER: 'me@home' }, { MQTT_USERNAME: 'me@home' }],
    [{ MQTT_PASS: 'p' }, { ROBOT_KEY: 'p' }],
    [{ MQTT_PASS: 'p', ROBOT_KEY: 'k' }, { ROBOT_KEY: 'k' }],
    [{ MQTT_PASS: 'p', ROBOT_KEY_FILE: '/k' }, { ROBOT_KEY_FILE: '/k' }],
    [{ MQTT_TOPIC: 'robot/stream' }, { LEGACY_TOPIC: 'robot/stream', LEGACY_TOPIC_ENABLED: 'true' }],
    [
      { MQTT_TOPIC: 't', LEGACY_TOPIC_ENABLED: 'false' },
      { LEGACY_TOPIC: 't', LEGACY_TOPIC_ENABLED: 'false' },
    ],
    [{ MEDIA_SERVER: 'm' }, {}],
  ])('translates %j', (old, expected) => {
    expect(legacyEnvironment(old)).toEqual({ ...old, ...expected });
  });
});

describe('legacyIngest', () => {
  it.each([
    ['media.example.org', 'rtmp://media.example.org/robots/r1', 'rtmp'],
    ['media.example.org:1936', 'rtmp://media.example.org:1936/robots/r1', 'rtmp'],
    ['rtsp://m:8554', 'rtsp://m:8554/robots/r1', 'rtsp'],
    ['rtmp://m/live/cam', 'rtmp://m/live/cam', 'rtmp'],
  ])('publishes to %s', (mediaServer, url, protocol) => {
    const login = { user: 'r1', pass: 'key' };
    expect(legacyIngest({ robotId: 'r1', robotKey: 'key', mediaServer }, 'main')).toEqual({
      url,
      protocol,
      login,
    });
  });

  it('has a login of its own', () => {
    const settings = { robotId: 'r1', mediaServer: 'm', mediaPublishUser: 'u', mediaPublishPass: 'p' };
    expect(legacyIngest(settings, 'front')).toMatchObject({
      url: 'rtmp://m/robots/r1/front',
      login: { user: 'u', pass: 'p' },
    });
  });

  it.each([undefined, '', 'http://m', '://', 'a b'])('has no idea with %p', (mediaServer) => {
    expect(legacyIngest({ robotId: 'r1', mediaServer }, 'main')).toBeUndefined();
  });
});
