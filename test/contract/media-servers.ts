import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStandin } from '@rovercast/standin';
import { GOOD } from './recording-hook';
import { until } from './until';

/** A running media server under test, whichever it is. */
export interface MediaServer {
  apiUrl: string;
  rtmp: string;
  rtsp: string;
  hls: string;
  close(): Promise<void>;
}

export const HOLD_TIMEOUT_MS = 2_000;
export const READ_TIMEOUT_MS = 3_000;

interface Variant {
  name: string;
  /** MediaMTX delays the answer to wrong credentials by up to four seconds. */
  denyDelayMs: number;
  start(authUrl: string): Promise<MediaServer>;
}

const standin: Variant = {
  name: 'stand-in',
  denyDelayMs: 0,
  async start(authUrl) {
    const server = await startStandin({
      host: '127.0.0.1',
      rtmpPort: 0,
      rtspPort: 0,
      hlsPort: 0,
      apiPort: 0,
      authUrl,
      ffmpegPath: 'ffmpeg',
      holdReaders: { match: /^hold\//, startTimeoutMs: HOLD_TIMEOUT_MS },
      readTimeoutMs: READ_TIMEOUT_MS,
    });
    const { apiUrl, rtmpUrl, rtspUrl, hlsUrl } = server.urls;
    return { apiUrl, rtmp: rtmpUrl, rtsp: rtspUrl, hls: hlsUrl, close: () => server.close() };
  },
};

const binaryPath = process.env.MEDIAMTX_BIN ?? 'mediamtx';

const binary: Variant = { name: 'MediaMTX', denyDelayMs: 4_000, start: startBinary };

/** Whether the real server can be run here. */
export const binaryVersion =
  spawnSync(binaryPath, ['--version'], { encoding: 'utf8' }).stdout?.trim() || undefined;

/** The stand-in always, the real server where it is installed. */
export const variants: Variant[] = binaryVersion ? [standin, binary] : [standin];

/** Says in the test report why a variant is missing. */
export function reportMissingBinary(): void {
  if (!binaryVersion) {
    it.skip(`MediaMTX: not run, no binary (set MEDIAMTX_BIN or put mediamtx on the PATH)`, () => undefined);
  }
}

async function startBinary(authUrl: string): Promise<MediaServer> {
  const [api, rtmp, rtsp, hls] = await freePorts(4);
  const folder = mkdtempSync(join(tmpdir(), 'rovercast-mtx-'));
  const config = join(folder, 'mediamtx.yml');
  writeFileSync(config, binaryConfig({ api, rtmp, rtsp, hls, authUrl }));
  const child = spawn(binaryPath, [config], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (data: Buffer) => (log += data.toString()));
  const apiUrl = `http://127.0.0.1:${api}`;
  await until(() => log.includes('[API] started'), { timeoutMs: 10_000 }).catch(() => {
    throw new Error(`MediaMTX did not start: ${log}`);
  });
  return {
    apiUrl,
    rtmp: `rtmp://127.0.0.1:${rtmp}`,
    rtsp: `rtsp://127.0.0.1:${rtsp}`,
    hls: `http://127.0.0.1:${hls}`,
    async close() {
      await stopProcess(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function binaryConfig(
  to: Record<'api' | 'rtmp' | 'rtsp' | 'hls', number | undefined> & { authUrl: string },
): string {
  return `
logLevel: info
readTimeout: ${READ_TIMEOUT_MS}ms
authMethod: http
authHTTPAddress: ${to.authUrl}
authHTTPExclude: []
api: true
apiAddress: 127.0.0.1:${to.api}
rtspAddress: 127.0.0.1:${to.rtsp}
rtspTransports: [tcp]
rtmpAddress: 127.0.0.1:${to.rtmp}
hlsAddress: 127.0.0.1:${to.hls}
hlsVariant: mpegts
webrtc: false
srt: false
moq: false
paths:
  "~^hold/":
    runOnDemand: sleep 3600
    runOnDemandStartTimeout: ${HOLD_TIMEOUT_MS}ms
  all_others:
`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Ends a process that we started; resolves when it is gone. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await gone;
  clearTimeout(kill);
}

/** Puts credentials into a URL's authority. */
export function withLogin(url: string): string {
  return url.replace('://', `://${GOOD.basic}`);
}
