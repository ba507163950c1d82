import { mqttOptions, type MqttConnection } from './connection';

const aConnection = (change: Partial<MqttConnection> = {}): MqttConnection => ({
  url: 'mqtt://broker.example.org',
  clientId: 'r1',
  version: 5,
  ...change,
});

describe('mqttOptions', () => {
  it.each([
    ['mqtt://h', { protocol: 'mqtt', host: 'h', port: 1883 }],
    ['mqtts://h', { protocol: 'mqtts', host: 'h', port: 8883 }],
    ['mqtt://[::1]:99', { protocol: 'mqtt', host: '::1', port: 99 }],
  ])('reads %s', (url, expected) => {
    expect(mqttOptions(aConnection({ url }))).toMatchObject(expected);
  });

  it.each(['http://h', 'broker', ''])('refuses %p as the address of a broker', (url) => {
    expect(() => mqttOptions(aConnection({ url }))).toThrow();
  });

  it('keeps no session and no queue, and tries again after a refused login', () => {
    expect(mqttOptions(aConnection())).toMatchObject({
      clean: true,
      queueQoSZero: false,
      resubscribe: false,
      reconnectOnConnackError: true,
      keepalive: 20,
    });
  });

  it('waits a random time between the bounds before a new attempt', () => {
    const periods = Array.from({ length: 200 }, () => mqttOptions(aConnection()).reconnectPeriod!);
    expect(Math.min(...periods)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...periods)).toBeLessThanOrEqual(10_000);
    expect(new Set(periods).size).toBeGreaterThan(50);
  });

  it('delays the will of a robot under MQTT 5 and holds the session as long', () => {
    const options = mqttOptions(aConnection({ will: { topic: 't', payload: 'gone', retain: true } }));
    expect(options.will).toMatchObject({
      topic: 't',
      qos: 1,
      retain: true,
      properties: { willDelayInterval: 5 },
    });
    expect(options.properties).toMatchObject({ sessionExpiryInterval: 5, receiveMaximum: 16 });
  });

  it('sends nothing of MQTT 5 under 3.1.1', () => {
    const options = mqttOptions(
      aConnection({ version: 4, will: { topic: 't', payload: 'gone', retain: true } }),
    );
    expect(options.properties).toBeUndefined();
    expect(options.will?.properties).toBeUndefined();
  });

  it('asks for the will anew before each connection', () => {
    let number = 0;
    const options = mqttOptions(
      aConnection({ will: () => ({ topic: 't', payload: String((number += 1)), retain: true }) }),
    );
    expect(String(options.will?.payload)).toBe('1');
    expect(options.nextWill?.().payload).toBe('2');
  });
});
