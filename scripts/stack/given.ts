import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { MediaUrls } from './media';

/** Parts that run elsewhere, by their URLs. */
export interface GivenParts {
  databaseUrl?: string;
  mqttUrl?: string;
  mediaApiUrl?: string;
}

/** A variable, or what the file named by `<name>_FILE` holds; empty counts as absent. */
function read(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const file = environment[`${name}_FILE`];
  if (!file) return environment[name] || undefined;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    throw new Error(`${name}_FILE names no readable file: ${file}`);
  }
}

function readUrl(environment: NodeJS.ProcessEnv, name: string, schemes: string[]): string | undefined {
  const url = read(environment, name);
  if (url === undefined) return undefined;
  const scheme = URL.canParse(url) ? new URL(url).protocol.slice(0, -1) : '';
  if (!schemes.includes(scheme))
    throw new Error(`${name} must be a URL that begins with ${schemes.join(':// or ')}://`);
  return url;
}

/** @throws Error with one sentence that never repeats the URL, which may hold a password */
export function givenParts(environment: NodeJS.ProcessEnv): GivenParts {
  return {
    databaseUrl: readUrl(environment, 'DATABASE_URL', ['postgres', 'postgresql']),
    mqttUrl: readUrl(environment, 'MQTT_URL', ['mqtt', 'mqtts']),
    mediaApiUrl: readUrl(environment, 'MEDIAMTX_API_URL', ['http', 'https']),
  };
}

/** URLs of a media server that runs elsewhere: MEDIA_…_URL where given (`none`: not served), else MediaMTX's usual ports on the API's host. */
export function givenMediaUrls(apiUrl: string, environment: NodeJS.ProcessEnv): MediaUrls {
  const host = environment.MEDIAMTX_PUBLIC_HOST || new URL(apiUrl).hostname;
  const url = (name: string, usual: string): string | null => {
    const given = environment[`MEDIA_${name}_URL`] || usual;
    return given === 'none' ? null : given;
  };
  return {
    apiUrl,
    rtspUrl: url('RTSP', `rtsp://${host}:8554`),
    rtmpUrl: url('RTMP', `rtmp://${host}:1935`),
    hlsUrl: url('HLS', `http://${host}:8888`),
    webrtcUrl: url('WEBRTC', `http://${host}:8889`),
    srtUrl: url('SRT', `srt://${host}:8890`),
    flvUrl: url('FLV', 'none'),
  };
}

/** The name under which others reach an address that we listen on. */
export function publicHost(host: string, environment: NodeJS.ProcessEnv): string {
  if (environment.MEDIAMTX_PUBLIC_HOST) return environment.MEDIAMTX_PUBLIC_HOST;
  if (host !== '0.0.0.0' && host !== '::') return host;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
