import { robotDotenv } from './dotenv.rules';

const facts = {
  robotId: 'r1',
  key: 'rk_x',
  mqttUrl: 'mqtts://gateway:s%40cret@broker:8883',
  mqttVersion: 5,
} as const;

it('leaves the login of the gateway out', () => {
  expect(robotDotenv(facts)).toBe(
    'ROBOT_ID=r1\nROBOT_KEY=rk_x\nMQTT_URL=mqtts://broker:8883\nMQTT_VERSION=5\n',
  );
});

it('names the place to publish to where it is known', () => {
  expect(robotDotenv({ ...facts, ingestUrl: 'rtsp://media:8554' })).toContain(
    '\nMEDIA_SERVER=rtsp://media:8554\n',
  );
});
