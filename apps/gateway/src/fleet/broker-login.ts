import type { MqttConnection } from '@rovercast/mqtt';
import type { GatewaySettings } from '../gateway.settings';

/** The broker's address, and the gateway's login there, which MQTT_URL holds both. */
export function brokerLogin({
  mqttUrl,
  mqttCa,
}: Pick<GatewaySettings, 'mqttUrl' | 'mqttCa'>): Pick<
  MqttConnection,
  'url' | 'username' | 'password' | 'tls'
> {
  const url = new URL(mqttUrl);
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return { url: url.href, username, password, ...(mqttCa !== undefined && { tls: { ca: mqttCa } }) };
}
