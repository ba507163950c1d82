import { randomInt } from 'node:crypto';
import { NAL_IDR, nalType } from '../media/avc.rules';
import { aacFrameOf, avcConfigOf, nalsOf, ptsMsOf } from '../media/flv.rules';
import type { AvcConfig } from '../media/avc.rules';
import type { MediaPacket } from '../media/packet';
import { buildRtp, buildSenderReport } from '../media/rtp.rules';
import { wrapAacFrame } from '../media/rtp-aac.rules';
import { fragmentNal } from '../media/rtp-h264.rules';
import { formatFrame } from './rtsp-message.rules';
import type { OfferedTrack } from '../media/sdp.rules';

const PAYLOAD_MAX_BYTES = 1_400;
const REPORT_EVERY_MS = 5_000;

/** Writes one track to one reader as interleaved RTP. */
export class EgressTrack {
  readonly ssrc = randomInt(0x7fffffff);
  readonly stats = { packets: 0, reports: 0, bytes: 0 };
  private readonly startTimestamp = randomInt(0x7fffffff);
  private sequence = randomInt(0xffff);
  private config: AvcConfig | undefined;
  private lastReportMs = -Infinity;

  constructor(
    private readonly track: OfferedTrack,
    readonly channel: number,
    private readonly startWallMs: number,
    private readonly write: (data: Buffer) => void,
  ) {
    if (track.codec === 'H264') this.config = track.config;
  }

  get kind(): 'video' | 'audio' {
    return this.track.codec === 'H264' ? 'video' : 'audio';
  }

  get nextSequence(): number {
    return this.sequence;
  }

  send(packet: MediaPacket): void {
    if (packet.header) {
      if (packet.kind === 'video') this.config = avcConfigOf(packet) ?? this.config;
      return;
    }
    const ptsMs = ptsMsOf(packet);
    const timestamp = (this.startTimestamp + Math.round((ptsMs * this.track.clockRate) / 1000)) >>> 0;
    const payloads =
      packet.kind === 'video' ? this.videoPayloads(packet) : [wrapAacFrame(aacFrameOf(packet))];
    const frames = payloads.map((payload, index) =>
      this.frame(payload, timestamp, index === payloads.length - 1),
    );
    if (ptsMs - this.lastReportMs >= REPORT_EVERY_MS) {
      this.lastReportMs = ptsMs;
      frames.push(this.report(timestamp, this.startWallMs + ptsMs));
    }
    this.write(Buffer.concat(frames));
  }

  private videoPayloads(packet: MediaPacket): Buffer[] {
    const nals = nalsOf(packet);
    const key = nals.some((nal) => nalType(nal) === NAL_IDR);
    const withConfig = key && this.config ? [this.config.sps, this.config.pps, ...nals] : nals;
    return withConfig.flatMap((nal) => fragmentNal(nal, PAYLOAD_MAX_BYTES));
  }

  private frame(payload: Buffer, timestamp: number, marker: boolean): Buffer {
    const { payloadType } = this.track;
    const data = buildRtp({
      payloadType,
      marker,
      sequence: this.sequence,
      timestamp,
      ssrc: this.ssrc,
      payload,
    });
    this.sequence = (this.sequence + 1) & 0xffff;
    this.stats.packets += 1;
    this.stats.bytes += data.length;
    return formatFrame(this.channel, data);
  }

  private report(timestamp: number, wallMs: number): Buffer {
    const { packets, bytes } = this.stats;
    const report = buildSenderReport({ ssrc: this.ssrc, wallMs, timestamp, packets, bytes });
    this.stats.reports += 1;
    this.stats.bytes += report.length;
    return formatFrame(this.channel + 1, report);
  }
}
