import { Logger } from '@nestjs/common';
import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EncoderProcess, type EncoderExit } from '../encoder/encoder.process';
import { publishTargetFor } from '../encoder/pipeline.rules';
import type { RelayPlan } from './relays.rules';
import { isOurRtp, relayArguments, sdpFor } from './rtp.rules';

export interface RelayParts {
  host: string;
  /** RTSP base URL of the media server. */
  mediaUrl: string;
  key: string;
  ffmpeg: { path: string; setpriv: boolean };
  /** For the SDP file. */
  folder: string;
  /** Nothing arrives for this long: off. */
  silenceMs: number;
}

/** What a relay does: waits for a packet, has heard one, passes pictures on, or cannot have its port. */
export type RelayState = 'waiting' | 'starting' | 'live' | 'stopping' | 'blocked' | 'closed';

/** Pause before listening again after FFmpeg failed, in milliseconds: doubled each time, with full jitter. */
const BACKOFF_MS = { min: 1_000, max: 30_000 };

/**
 * One robot's RTP over UDP, published as RTSP while it arrives. A socket of ours waits for the first packet that is RTP, then FFmpeg
 * has the port, for as long as packets come.
 */
export class Relay {
  private readonly log = new Logger(Relay.name);
  private socket?: Socket;
  private process?: EncoderProcess;
  private timer?: NodeJS.Timeout;
  private failures = 0;
  private whenGone: (() => void) | undefined;
  state: RelayState = 'waiting';
  /** Times that a stream began, and last words of the one that ended last. */
  starts = 0;
  lastProblem: string | null = null;

  constructor(
    readonly plan: RelayPlan,
    private readonly parts: RelayParts,
  ) {}

  /** Waits for the robot. */
  listen(): void {
    if (this.state === 'closed') return;
    this.state = 'waiting';
    const socket = createSocket('udp4');
    this.socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.blocked(error));
    socket.on('message', (datagram, { address }) => {
      if (isOurRtp(datagram) && this.state === 'waiting') this.handOver(socket, address);
    });
    socket.bind(this.plan.port, this.parts.host);
  }

  /** Ends the stream; resolves when FFmpeg has gone. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    this.state = 'closed';
    this.socket?.close();
    this.socket = undefined;
    if (!this.process) return;
    const gone = new Promise<void>((resolve) => (this.whenGone = resolve));
    this.process.stop();
    await gone;
  }

  private handOver(socket: Socket, from: string): void {
    this.state = 'starting';
    this.socket = undefined;
    socket.removeAllListeners('message');
    socket.close(() => {
      if (this.state === 'starting') this.start(from);
    });
  }

  private start(from: string): void {
    const { robotId, port, path } = this.plan;
    const sdpFile = join(this.parts.folder, `${robotId}-${port}.sdp`);
    writeFileSync(sdpFile, sdpFor({ port, from }));
    this.starts += 1;
    this.log.log({ msg: 'relay starting', robotId, port, path, from });
    const { ffmpeg, silenceMs: stallMs } = this.parts;
    this.process = new EncoderProcess(
      {
        backend: 'ffmpeg',
        file: ffmpeg.path,
        args: relayArguments(sdpFile, this.target()),
        setpriv: ffmpeg.setpriv,
        timing: { stallMs },
      },
      { live: () => this.live(), exit: (exit) => this.ended(exit) },
    );
  }

  private target(): string {
    const { robotId, path } = this.plan;
    const url = `${this.parts.mediaUrl.replace(/\/$/, '')}/${path}`;
    return publishTargetFor({ url, protocol: 'rtsp' }, { user: robotId, pass: this.parts.key }).url;
  }

  private live(): void {
    if (this.state === 'starting') this.state = 'live';
    this.failures = 0;
    this.log.log({ msg: 'relay live', robotId: this.plan.robotId, path: this.plan.path });
  }

  private ended({ stalled, lines }: EncoderExit): void {
    const wasLive = this.state === 'live';
    this.process = undefined;
    this.lastProblem = lines.at(-1) ?? null;
    this.whenGone?.();
    if (this.state === 'closed') return;
    const silent = wasLive && stalled;
    const { robotId, path } = this.plan;
    if (silent) this.log.log({ msg: 'relay off: nothing arrives', robotId, path });
    else this.log.warn({ msg: 'relay failed', robotId, path, lines: lines.slice(-3) });
    if (silent) this.listen();
    else this.listenLater();
  }

  private blocked(error: NodeJS.ErrnoException): void {
    this.socket?.close();
    this.socket = undefined;
    this.state = 'blocked';
    this.lastProblem = `port ${this.plan.port}: ${error.code ?? error.message}`;
    this.log.warn({
      msg: 'relay has no port',
      robotId: this.plan.robotId,
      port: this.plan.port,
      error: error.code,
    });
    this.listenLater();
  }

  private listenLater(): void {
    const ceiling = Math.min(BACKOFF_MS.max, BACKOFF_MS.min * 2 ** this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.listen(), BACKOFF_MS.min / 2 + Math.random() * ceiling);
  }
}
