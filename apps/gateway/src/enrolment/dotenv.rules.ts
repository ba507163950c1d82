interface RobotFacts {
  robotId: string;
  key: string;
  /** With or without a login; the gateway's own is left out. */
  mqttUrl: string;
  mqttVersion: 4 | 5;
  /** Where robots publish; undefined when the gateway tells it with each order alone. */
  ingestUrl?: string;
}

/** What a robot's agent needs to come up, ready for its `.env`. */
export function robotDotenv({ robotId, key, mqttUrl, mqttVersion, ingestUrl }: RobotFacts): string {
  const lines = [
    `ROBOT_ID=${robotId}`,
    `ROBOT_KEY=${key}`,
    `MQTT_URL=${mqttUrl.replace(/^(mqtts?:\/\/)[^/]*@/, '$1')}`,
    `MQTT_VERSION=${mqttVersion}`,
    ...(ingestUrl === undefined ? [] : [`MEDIA_SERVER=${ingestUrl}`]),
  ];
  return `${lines.join('\n')}\n`;
}
