import { startStandin } from '@rovercast/standin';
import { createWriteStream, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freshLog, startProgram, type Child, type Surroundings } from './children';
import { findOnPath } from './ffmpeg';
import type { Ports } from './ports';

/** Where a media server can be reached; null for what it does not serve. */
export interface MediaUrls {
  apiUrl: string;
  rtmpUrl: string | null;
  rtspUrl: string | null;
  hlsUrl: string | null;
  webrtcUrl: string | null;
  srtUrl: string | null;
  flvUrl: string | null;
}

/** Which media server will run: the real one by its program, or the stand-in. */
export type MediaServer = { kind: 'mediamtx'; program: string } | { kind: 'embedded' };

export interface MediaOptions {
  host: string;
  publicHost: string;
  ports: Ports;
  /** The door, with the media server's user and secret in it. */
  authUrl: string;
  ffmpegPath?: string;
  configFile: string;
  workDir: string;
  environment: NodeJS.ProcessEnv;
}

export interface RunningMedia {
  urls: MediaUrls;
  /** The real server's process; the stand-in runs in ours. */
  child?: Child;
  close(): Promise<void>;
}

/** Where `npm run mediamtx:install` puts the program. */
export const installedProgram = (runDir: string): string =>
  join(runDir, 'bin', process.platform === 'win32' ? 'mediamtx.exe' : 'mediamtx');

/**
 * MEDIAMTX_BIN, else `mediamtx` on the PATH, else the installed one, else the stand-in (MEDIAMTX_BIN=embedded asks for it).
 * @throws Error when MEDIAMTX_BIN names no program
 */
export function findMediaServer(environment: NodeJS.ProcessEnv, runDir: string): MediaServer {
  const given = environment.MEDIAMTX_BIN;
  if (given === 'embedded') return { kind: 'embedded' };
  if (given) {
    const program = existsSync(given) ? given : findOnPath(given, environment.PATH);
    if (!program) throw new Error(`MEDIAMTX_BIN names no program: ${given}`);
    return { kind: 'mediamtx', program };
  }
  const installed = installedProgram(runDir);
  const program = findOnPath('mediamtx', environment.PATH) ?? (existsSync(installed) ? installed : undefined);
  return program ? { kind: 'mediamtx', program } : { kind: 'embedded' };
}

/** What mediamtx/mediamtx.yml leaves to the environment. */
export function mediamtxEnvironment(
  options: Omit<MediaOptions, 'configFile' | 'workDir'>,
): NodeJS.ProcessEnv {
  const { host, ports, environment } = options;
  const kept = Object.entries(environment).filter(([name]) => /^(PATH|HOME|TZ|TMPDIR|MTX_.*)$/.test(name));
  return {
    ...Object.fromEntries(kept),
    MTX_AUTHHTTPADDRESS: options.authUrl,
    MTX_APIADDRESS: `127.0.0.1:${ports.mediaApi}`,
    MTX_METRICSADDRESS: `127.0.0.1:${ports.mediaMetrics}`,
    MTX_RTSPADDRESS: `${host}:${ports.rtsp}`,
    MTX_RTMPADDRESS: `${host}:${ports.rtmp}`,
    MTX_HLSADDRESS: `${host}:${ports.hls}`,
    MTX_WEBRTCADDRESS: `${host}:${ports.webrtc}`,
    MTX_WEBRTCLOCALUDPADDRESS: `${host}:${ports.webrtcUdp}`,
    MTX_WEBRTCADDITIONALHOSTS: options.publicHost,
    MTX_SRTADDRESS: `${host}:${ports.srt}`,
  };
}

/** The URLs of a media server on the given host and ports. */
export function mediaUrls(kind: MediaServer['kind'], host: string, ports: Ports): MediaUrls {
  const isReal = kind === 'mediamtx';
  return {
    apiUrl: `http://127.0.0.1:${ports.mediaApi}`,
    rtmpUrl: `rtmp://${host}:${ports.rtmp}`,
    rtspUrl: `rtsp://${host}:${ports.rtsp}`,
    hlsUrl: `http://${host}:${ports.hls}`,
    webrtcUrl: isReal ? `http://${host}:${ports.webrtc}` : null,
    srtUrl: isReal ? `srt://${host}:${ports.srt}` : null,
    flvUrl: isReal ? null : `http://${host}:${ports.flv}`,
  };
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });

async function untilAccepting(port: number): Promise<void> {
  while (!(await accepts(port))) await delay(30);
}

/** Starts the media server; rejects with one sentence when it does not come up. */
export async function startMedia(
  server: MediaServer,
  options: MediaOptions,
  around: Surroundings,
): Promise<RunningMedia> {
  const { host, ports } = options;
  const urls = mediaUrls(server.kind, options.publicHost, ports);
  if (server.kind === 'embedded') {
    const log = createWriteStream(freshLog(around.logDir, 'media'), { mode: 0o600 });
    const standin = await startStandin({
      host,
      rtmpPort: ports.rtmp,
      rtspPort: ports.rtsp,
      hlsPort: ports.hls,
      flvPort: ports.flv,
      apiPort: ports.mediaApi,
      authUrl: options.authUrl,
      ffmpegPath: options.ffmpegPath ?? 'ffmpeg',
      // As runOnDemand in mediamtx/mediamtx.yml.
      holdReaders: { match: /^robots\/.+$/, startTimeoutMs: 15_000 },
      log: (line) => log.write(`${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`),
    });
    return { urls, close: () => standin.close() };
  }
  const command = {
    program: server.program,
    args: [options.configFile],
    environment: mediamtxEnvironment(options),
    cwd: options.workDir,
  };
  // The API opens last.
  const child = startProgram('mediamtx', command, () => untilAccepting(ports.mediaApi), around);
  await child.ready;
  return { urls, child, close: () => child.stop() };
}
