import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { stopProcess } from './media-servers';
import { until } from './until';

const SOURCE = [
  '-re',
  '-f',
  'lavfi',
  '-i',
  'testsrc=size=320x240:rate=15',
  '-f',
  'lavfi',
  '-i',
  'sine=frequency=440',
];
const ENCODER = '-c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p -c:a aac'.split(' ');

/** Whether GStreamer with the plugins for RTMP and RTSP publishing is there. */
export const hasGstreamer = ['rtmp2sink', 'rtspclientsink', 'x264enc'].every(
  (element) => spawnSync('gst-inspect-1.0', [element]).status === 0,
);

/** Processes and sockets that a test opened, to be closed after it. */
export class Tools {
  private readonly children = new Set<ChildProcess>();
  private readonly sockets = new Set<Socket>();

  async cleanUp(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    await Promise.all([...this.children].map(stopProcess));
    this.children.clear();
  }

  /** Publishes a test picture and a tone with FFmpeg. */
  publish(url: string): Running {
    const output = url.startsWith('rtmp')
      ? ['-f', 'flv', url]
      : ['-f', 'rtsp', '-rtsp_transport', 'tcp', url];
    return this.run('ffmpeg', ['-nostdin', '-loglevel', 'error', ...SOURCE, ...ENCODER, ...output]);
  }

  /** Publishes a test picture with GStreamer. */
  publishWithGstreamer(url: string): Running {
    const sink = url.startsWith('rtmp')
      ? `flvmux streamable=true ! rtmp2sink location=${url}`
      : `h264parse config-interval=-1 ! rtspclientsink protocols=tcp location=${url}`;
    const source = 'videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1';
    const encoder = 'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15';
    return this.run('gst-launch-1.0', ['-q', ...`${source} ! ${encoder} ! ${sink}`.split(' ')]);
  }

  /** Reads without end. */
  read(url: string): Running {
    return this.run('ffmpeg', [
      '-nostdin',
      '-loglevel',
      'error',
      ...inputOf(url),
      '-c',
      'copy',
      '-f',
      'null',
      '-',
    ]);
  }

  /** How many pictures could be decoded from a URL, of `wanted`. */
  async decodedFrames(url: string, wanted: number): Promise<number> {
    const reader = this.run('ffmpeg', [
      ...['-nostdin', '-loglevel', 'error', ...inputOf(url)],
      ...['-map', '0:v', '-frames:v', String(wanted), '-f', 'framecrc', '-'],
    ]);
    await reader.exited;
    return reader
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('0,')).length;
  }

  run(command: string, args: string[]): Running {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.children.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString('latin1')));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString('latin1')));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    return {
      exited,
      running: () => child.exitCode === null && child.signalCode === null,
      stop: () => stopProcess(child),
      stdout: () => stdout,
      stderr: () => stderr,
    };
  }

  /** A bare RTSP client. */
  rtsp(url: string): RawRtsp {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    this.sockets.add(socket);
    return new RawRtsp(socket);
  }
}

export interface Running {
  exited: Promise<number | null>;
  running(): boolean;
  stop(): Promise<void>;
  stdout(): string;
  stderr(): string;
}

function inputOf(url: string): string[] {
  const lookBriefly = ['-probesize', '200000', '-analyzeduration', '400000', '-fpsprobesize', '0'];
  return [...lookBriefly, ...(url.startsWith('rtsp') ? ['-rtsp_transport', 'tcp'] : []), '-i', url];
}

/** Sends requests as they are written and shows the answers' heads. */
export class RawRtsp {
  closed = false;
  private received = '';
  private cseq = 0;

  constructor(private readonly socket: Socket) {
    socket.on('data', (data) => (this.received += data.toString('latin1')));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => socket.destroy());
  }

  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  async ask(
    method: string,
    url: string,
    headers: Record<string, string> = {},
    body = '',
  ): Promise<RtspAnswer> {
    const cseq = String(++this.cseq);
    const all = {
      CSeq: cseq,
      'User-Agent': 'contract',
      ...headers,
      ...(body && { 'Content-Type': 'application/sdp', 'Content-Length': String(body.length) }),
    };
    const head = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    this.received = '';
    this.socket.write(`${[`${method} ${url} RTSP/1.0`, ...head].join('\r\n')}\r\n\r\n${body}`);
    await until(() => this.received.includes('\r\n\r\n') || this.closed, { timeoutMs: 12_000 });
    const lines = (this.received.split('\r\n\r\n')[0] ?? '').split('\r\n');
    const entries = lines.slice(1).map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]);
    return { status: Number(lines[0]?.split(' ')[1] ?? 0), headers: Object.fromEntries(entries) };
  }

  /** Anything at all, RTSP or not. */
  write(data: Buffer | string): void {
    this.socket.write(data);
  }
}

export interface RtspAnswer {
  status: number;
  headers: Record<string, string>;
}
