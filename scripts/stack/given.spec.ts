import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { givenMediaUrls, givenParts, publicHost } from './given';

describe('parts that run elsewhere', () => {
  it('are none in an empty environment', () => {
    expect(givenParts({ DATABASE_URL: '' })).toEqual({});
  });

  it('are known by their URLs, also from a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rovercast-given-'));
    writeFileSync(join(folder, 'db'), 'postgres://u:p@db/x\n');
    expect(
      givenParts({
        DATABASE_URL_FILE: join(folder, 'db'),
        MQTT_URL: 'mqtt://broker',
        MEDIAMTX_API_URL: 'http://media:9997',
      }),
    ).toEqual({
      databaseUrl: 'postgres://u:p@db/x',
      mqttUrl: 'mqtt://broker',
      mediaApiUrl: 'http://media:9997',
    });
    rmSync(folder, { recursive: true });
  });

  it.each([
    [
      { DATABASE_URL: 'mysql://u:pw@db/x' },
      'DATABASE_URL must be a URL that begins with postgres:// or postgresql://',
    ],
    [{ MQTT_URL: 'broker:1883' }, 'MQTT_URL must be a URL that begins with mqtt:// or mqtts://'],
    [{ MEDIAMTX_API_URL: 'x' }, 'MEDIAMTX_API_URL must be a URL that begins with http:// or https://'],
    [{ DATABASE_URL_FILE: '/nowhere/x' }, 'DATABASE_URL_FILE names no readable file: /nowhere/x'],
  ])('answers %j with one sentence', (environment, sentence) => {
    expect(() => givenParts(environment)).toThrow(sentence);
  });

  it('gives a media server its usual ports unless told otherwise', () => {
    expect(
      givenMediaUrls('http://m:s@10.0.0.5:9997', {
        MEDIA_RTSP_URL: 'rtsp://cam.example:554',
        MEDIA_SRT_URL: 'none',
      }),
    ).toEqual({
      apiUrl: 'http://m:s@10.0.0.5:9997',
      rtspUrl: 'rtsp://cam.example:554',
      rtmpUrl: 'rtmp://10.0.0.5:1935',
      hlsUrl: 'http://10.0.0.5:8888',
      webrtcUrl: 'http://10.0.0.5:8889',
      srtUrl: null,
      flvUrl: null,
    });
  });

  it.each([
    ['127.0.0.1', {}, '127.0.0.1'],
    ['10.1.2.3', {}, '10.1.2.3'],
    ['0.0.0.0', { MEDIAMTX_PUBLIC_HOST: 'robots.example' }, 'robots.example'],
  ])('others reach %s (%j) as %s', (host, environment, expected) => {
    expect(publicHost(host, environment)).toBe(expected);
  });

  it('names an address of this machine for a listener on all of them', () => {
    expect(publicHost('0.0.0.0', {})).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(publicHost('0.0.0.0', {})).not.toBe('0.0.0.0');
  });
});
