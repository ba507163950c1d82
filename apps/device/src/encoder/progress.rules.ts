import type { EncoderStats } from '@rovercast/contracts';
import type { Backend } from './pipeline.rules';

interface Progress {
  /** Grows while pictures come: frames under ffmpeg, seconds under GStreamer. */
  position?: number;
  stats?: EncoderStats;
}

/**
 * What one line of an encoder's standard output says about its progress, or undefined when nothing. ffmpeg's `-progress` gives
 * `frame=`, `fps=` and `bitrate=` lines, GStreamer's progressreport one line a second.
 */
export function readProgress(backend: Backend, line: string): Progress | undefined {
  if (backend === 'gstreamer') {
    const time = /^progressreport\d+ \((\d+):(\d+):(\d+)\):/.exec(line);
    return time ? { position: Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3]) } : undefined;
  }
  const [key, value] = line.trim().split('=');
  const number = Number.parseFloat(value);
  if (!Number.isFinite(number)) return undefined;
  if (key === 'frame') return { position: number, stats: { frames: number } };
  if (key === 'fps') return { stats: { fps: number } };
  return key === 'bitrate' ? { stats: { bitrateKbps: number } } : undefined;
}
