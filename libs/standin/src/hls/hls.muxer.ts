import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointRef, PathMember } from '../hub/media-path';
import type { MediaStream } from '../hub/media-stream';
import { flvFileHeader, flvTag } from '../media/flv.rules';
import type { MediaPacket, PacketSink } from '../media/packet';

const STDIN_BACKLOG_MAX_BYTES = 16 * 1024 * 1024;
const LOOK_EVERY_MS = 40;
const KILL_AFTER_MS = 1_000;
export const MEDIA_PLAYLIST = 'main_stream.m3u8';

/** Cuts one stream into HLS segments: FFmpeg fed over its stdin, so that it needs no login and ends when we do. */
export class HlsMuxer implements PathMember, PacketSink {
  readonly ref: EndpointRef = { type: 'hidden', id: '' };
  readonly hidden = true;
  readonly created = new Date();
  lastRequest = new Date();
  outboundBytes = 0;
  private readonly folder = mkdtempSync(join(tmpdir(), 'rovercast-hls-'));
  private readonly child: ChildProcess;
  private firstDtsMs: number | undefined;
  private closed = false;

  constructor(
    ffmpegPath: string,
    readonly path: string,
    readonly stream: MediaStream,
    private readonly onClosed: () => void,
  ) {
    this.child = spawn(ffmpegPath, ffmpegArguments(this.folder), { stdio: ['pipe', 'ignore', 'ignore'] });
    this.child.on('error', () => this.close());
    this.child.on('exit', () => this.close());
    this.child.stdin?.on('error', () => undefined);
    this.feed(flvFileHeader({ audio: stream.hasAudio, video: stream.hasVideo }));
    stream.attach(this, { counted: false });
  }

  /** Where a file of the muxer is, if that is one of its names. */
  fileOf(name: string): string | undefined {
    return /^main_(stream\.m3u8|seg\d{1,12}\.ts)$/.test(name) ? join(this.folder, name) : undefined;
  }

  /** Resolves when there is something to play; false when that did not happen in time. */
  async ready(timeoutMs: number): Promise<boolean> {
    const giveUpAt = Date.now() + timeoutMs;
    while (!this.closed && Date.now() < giveUpAt) {
      const there = await access(join(this.folder, MEDIA_PLAYLIST)).then(
        () => true,
        () => false,
      );
      if (there) return true;
      await delay(LOOK_EVERY_MS, undefined, { ref: false });
    }
    return false;
  }

  send(packet: MediaPacket): void {
    if (packet.kind === 'data') return;
    this.firstDtsMs ??= packet.header ? undefined : packet.dtsMs;
    const dtsMs = Math.max(0, packet.dtsMs - (this.firstDtsMs ?? packet.dtsMs));
    this.feed(flvTag({ ...packet, dtsMs }));
  }

  private feed(data: Buffer): void {
    const { stdin } = this.child;
    if (this.closed || !stdin?.writable) return;
    if (stdin.writableLength > STDIN_BACKLOG_MAX_BYTES) return this.close();
    stdin.write(data);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.stream.detach(this);
    this.child.stdin?.destroy();
    const kill = setTimeout(() => this.child.kill('SIGKILL'), KILL_AFTER_MS);
    const clean = () => {
      clearTimeout(kill);
      rmSync(this.folder, { recursive: true, force: true });
    };
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined)
      clean();
    else this.child.once('exit', clean);
    this.onClosed();
  }
}

function ffmpegArguments(folder: string): string[] {
  const input = [
    '-probesize',
    '1000000',
    '-analyzeduration',
    '500000',
    '-fpsprobesize',
    '0',
    '-f',
    'flv',
    '-i',
    'pipe:0',
  ];
  const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '7', '-hls_segment_type', 'mpegts'];
  const flags = ['-hls_flags', 'delete_segments+independent_segments+omit_endlist+temp_file'];
  const output = ['-hls_segment_filename', join(folder, 'main_seg%d.ts'), join(folder, MEDIA_PLAYLIST)];
  return [
    '-hide_banner',
    '-nostats',
    '-loglevel',
    'error',
    ...input,
    '-c',
    'copy',
    ...hls,
    ...flags,
    ...output,
  ];
}
