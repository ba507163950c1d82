import { isId } from '@rovercast/contracts';

type Environment = Record<string, string | undefined>;

/**
 * The environment with the names of the older bridge's robots translated: `MQTT_BROKER` + `MQTT_PORT` → `MQTT_URL`, `MQTT_USER`
 * → `MQTT_USERNAME` (and `ROBOT_ID`, when it can be one), `MQTT_PASS` → `ROBOT_KEY`, `MQTT_TOPIC` → `LEGACY_TOPIC`, which it
 * also switches on. A new name that is set wins. `MEDIA_SERVER`, `MEDIA_PUBLISH_USER` and `MEDIA_PUBLISH_PASS` are current names.
 */
export function legacyEnvironment(environment: Environment): Environment {
  const translated: Environment = {
    MQTT_URL: brokerUrl(environment),
    MQTT_USERNAME: environment.MQTT_USER,
    ROBOT_ID: environment.MQTT_USER && isId(environment.MQTT_USER) ? environment.MQTT_USER : undefined,
    LEGACY_TOPIC: environment.MQTT_TOPIC,
    LEGACY_TOPIC_ENABLED: environment.MQTT_TOPIC ? 'true' : undefined,
  };
  if (!environment.ROBOT_KEY && !environment.ROBOT_KEY_FILE) {
    translated.ROBOT_KEY = environment.MQTT_PASS;
    translated.ROBOT_KEY_FILE = environment.MQTT_PASS_FILE;
  }
  const missing = Object.entries(translated).filter(([name, value]) => value && !environment[name]);
  return { ...environment, ...Object.fromEntries(missing) };
}

function brokerUrl({ MQTT_BROKER: broker, MQTT_PORT: port }: Environment): string | undefined {
  if (!broker) return undefined;
  if (/^mqtts?:\/\//.test(broker)) return port && !/:\d+\/?$/.test(broker) ? `${broker}:${port}` : broker;
  const host = broker.includes(':') && !broker.startsWith('[') ? `[${broker}]` : broker;
  return `mqtt://${host}:${port || 1883}`;
}
