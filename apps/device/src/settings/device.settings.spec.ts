import { parseSettings } from '@rovercast/platform';
import { DeviceSettings } from './device.settings';

const problemsOf = (environment: Record<string, string>): string => {
  try {
    parseSettings(DeviceSettings, environment);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('DeviceSettings', () => {
  it('needs nothing but the robot id', () => {
    expect(parseSettings(DeviceSettings, { ROBOT_ID: 'r1' })).toMatchObject({
      robotId: 'r1',
      host: '127.0.0.1',
      port: 3003,
      mqttUrl: 'mqtt://127.0.0.1:1883',
      mqttVersion: 5,
      cameras: 'main=test',
      encoder: 'auto',
      legacyTopicEnabled: false,
      defaultProfileWidth: 640,
    });
  });

  it('reads every value', () => {
    const settings = parseSettings(DeviceSettings, {
      ROBOT_ID: 'r1',
      MQTT_URL: 'mqtts://broker:8883',
      MQTT_VERSION: '4',
      ROBOT_KEY: 'k',
      CAMERAS: 'main=test,front=v4l2:/dev/video0',
      LEGACY_TOPIC_ENABLED: '1',
      DEFAULT_PROFILE_FPS: '30',
    });
    expect(settings).toMatchObject({ mqttVersion: 4, legacyTopicEnabled: true, defaultProfileFps: 30 });
  });

  it('names every problem at once and repeats no value', () => {
    const text = problemsOf({
      MQTT_URL: 'http://hunter2',
      MQTT_VERSION: '3',
      CAMERAS: 'main=rtsp://admin:hunter2@x y',
      ENCODER: 'vlc',
      DEFAULT_PROFILE_FPS: '0',
      PORT: 'hunter2',
      LEGACY_TOPIC: 'a/#',
    });
    for (const name of [
      'ROBOT_ID',
      'MQTT_URL',
      'MQTT_VERSION',
      'CAMERAS',
      'ENCODER',
      'DEFAULT_PROFILE_FPS',
      'PORT',
      'LEGACY_TOPIC',
    ]) {
      expect(text).toContain(`${name}: `);
    }
    expect(text).not.toContain('hunter2');
  });

  it.each(['', 'a/b', 'a+b', 'a.b', 'x'.repeat(65)])('refuses %p as a robot id', (robotId) => {
    expect(problemsOf({ ROBOT_ID: robotId })).toContain('ROBOT_ID');
  });
});
