import { isPictureNal, NAL_IDR, NAL_PPS, NAL_SPS, nalType, type AvcConfig } from '../media/avc.rules';
import { aacHeaderPacket, aacPacket, avcHeaderPacket, avcPacket } from '../media/flv.rules';
import type { MediaStream } from '../hub/media-stream';
import { H264Assembler } from '../media/rtp-h264.rules';
import { splitAacPayload } from '../media/rtp-aac.rules';
import { parseRtp, type RtpPacket, wheelDistance } from '../media/rtp.rules';
import type { SdpMedia } from '../media/sdp.rules';

const AAC_FRAME_SAMPLES = 1024;
const REORDER_MAX_MS = 2_000;

/** Turns one track's RTP timestamps into milliseconds since the publisher started. */
class TrackClock {
  private last: number | undefined;
  private ticks = 0;
  private startMs = 0;

  constructor(
    private readonly clockRate: number,
    private readonly nowMs: () => number,
  ) {}

  toMs(timestamp: number): number {
    if (this.last === undefined) this.startMs = this.nowMs();
    else this.ticks += wheelDistance(this.last, timestamp);
    this.last = timestamp;
    return Math.max(0, Math.round(this.startMs + (this.ticks * 1000) / this.clockRate));
  }
}

interface TrackStats {
  packets: number;
  lost: number;
  inError: number;
  sequence: number | undefined;
}

/** Takes the RTP of one announced media and writes its pictures or sounds to the stream. */
export class IngestTrack {
  readonly stats: TrackStats = { packets: 0, lost: 0, inError: 0, sequence: undefined };
  private readonly assembler = new H264Assembler();
  private readonly clock: TrackClock;
  private config: AvcConfig | undefined;
  private lastDtsMs = -1;
  private reorderMs = 0;

  constructor(
    private readonly media: SdpMedia,
    private readonly stream: MediaStream,
    nowMs: () => number,
  ) {
    this.clock = new TrackClock(media.clockRate || 90_000, nowMs);
    if (media.codec === 'AAC') stream.write(aacHeaderPacket(media.config.raw, 0));
    if (media.codec === 'H264') {
      stream.hasVideo = true;
      if (media.config) this.useConfig(media.config, 0);
    }
  }

  take(data: Buffer): void {
    const packet = parseRtp(data);
    this.count(packet);
    if (!packet || packet.payloadType !== this.media.payloadType) return;
    if (this.media.codec === 'H264') this.takeVideo(packet);
    if (this.media.codec === 'AAC') this.takeAudio(packet);
  }

  private count(packet: RtpPacket | undefined): void {
    if (!packet) {
      this.stats.inError += 1;
      return;
    }
    const { sequence } = this.stats;
    if (sequence !== undefined) this.stats.lost += Math.max(0, ((packet.sequence - sequence) & 0xffff) - 1);
    this.stats.sequence = packet.sequence;
    this.stats.packets += 1;
  }

  private takeVideo(packet: RtpPacket): void {
    for (const unit of this.assembler.push(packet)) {
      const ptsMs = this.clock.toMs(unit.timestamp);
      const sps = unit.nals.find((nal) => nalType(nal) === NAL_SPS) ?? this.config?.sps;
      const pps = unit.nals.find((nal) => nalType(nal) === NAL_PPS) ?? this.config?.pps;
      const dtsMs = this.decodingTime(ptsMs);
      if (sps && pps && sps.length >= 4) this.useConfig({ sps, pps }, dtsMs);
      const nals = unit.nals.filter(isPictureNal);
      if (!this.config || nals.length === 0) continue;
      this.lastDtsMs = dtsMs;
      const key = nals.some((nal) => nalType(nal) === NAL_IDR);
      this.stream.write(avcPacket({ nals, key, dtsMs, ptsMs }));
    }
  }

  /**
   * RTP says when a picture is shown, not when it is decoded. With B pictures decoding runs ahead by as much as a
   * picture has been seen to come after a later one; that is known from the first such picture on.
   */
  private decodingTime(ptsMs: number): number {
    const lateMs = this.lastDtsMs + 1 - ptsMs;
    if (lateMs > this.reorderMs && lateMs <= REORDER_MAX_MS) this.reorderMs = lateMs;
    return Math.max(this.lastDtsMs + 1, ptsMs - this.reorderMs);
  }

  private useConfig(config: AvcConfig, dtsMs: number): void {
    if (this.config?.sps.equals(config.sps) && this.config.pps.equals(config.pps)) return;
    this.config = { sps: Buffer.from(config.sps), pps: Buffer.from(config.pps) };
    this.stream.write(avcHeaderPacket(this.config, dtsMs));
  }

  private takeAudio(packet: RtpPacket): void {
    if (this.media.codec !== 'AAC') return;
    const startMs = this.clock.toMs(packet.timestamp);
    const frameMs = (AAC_FRAME_SAMPLES * 1000) / this.media.clockRate;
    splitAacPayload(packet.payload, this.media.layout).forEach((frame, index) => {
      this.stream.write(aacPacket(frame, Math.round(startMs + index * frameMs)));
    });
  }
}
