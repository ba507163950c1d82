import { Logger } from '@nestjs/common';
import type { RobotMqttStrategy } from '@rovercast/mqtt';
import type { MqttClient } from 'mqtt';
import { EventEmitter } from 'node:events';
import { ConnectionWatchdog } from './connection.watchdog';

describe('ConnectionWatchdog', () => {
  const client: EventEmitter & { connected: boolean; stream: { destroy: jest.Mock } } = Object.assign(
    new EventEmitter(),
    {
      connected: true,
      options: { keepalive: 20 },
      stream: { destroy: jest.fn(() => void (client.connected = false)) },
    },
  );
  let watchdog: ConnectionWatchdog;

  beforeEach(() => {
    jest.useFakeTimers();
    Logger.overrideLogger(false);
    client.stream.destroy.mockClear();
    watchdog = new ConnectionWatchdog({} as RobotMqttStrategy);
    watchdog.watch(client as unknown as MqttClient);
    client.emit('connect');
  });

  afterEach(() => {
    watchdog.onApplicationShutdown();
    client.removeAllListeners();
    client.connected = true;
    Logger.overrideLogger(['error', 'warn', 'log']);
    jest.useRealTimers();
  });

  it('cuts a connection on which nothing came for 2.5 times the keepalive', () => {
    jest.advanceTimersByTime(49_000);
    expect(client.stream.destroy).not.toHaveBeenCalled();
    jest.advanceTimersByTime(11_000);
    expect(client.stream.destroy).toHaveBeenCalledTimes(1);
  });

  it('leaves one alone on which packets come', () => {
    for (let count = 0; count < 10; count += 1) {
      jest.advanceTimersByTime(20_000);
      client.emit('packetreceive');
    }
    expect(client.stream.destroy).not.toHaveBeenCalled();
  });

  it('leaves a closed one to the reconnect', () => {
    client.connected = false;
    jest.advanceTimersByTime(200_000);
    expect(client.stream.destroy).not.toHaveBeenCalled();
  });

  it('stops watching', () => {
    watchdog.onApplicationShutdown();
    jest.advanceTimersByTime(200_000);
    expect(client.stream.destroy).not.toHaveBeenCalled();
  });
});
