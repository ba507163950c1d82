import type { LogLine } from './context';
import type { HoldReaders } from './hub/path-config';

/** How to start the stand-in. Ports: 0 takes any free one. */
export interface StandinOptions {
  host: string;
  rtmpPort: number;
  rtspPort: number;
  hlsPort: number;
  flvPort?: number;
  apiPort: number;
  /** The auth webhook; `user:pass@` becomes a Basic header. */
  authUrl: string;
  ffmpegPath: string;
  log?: (line: LogLine) => void;
  /** Wrong credentials are answered after a random delay up to this; MediaMTX has 4000. */
  denyDelayMs?: number;
  /** Readers of idle paths that match wait for a publisher, as with `runOnDemand`. */
  holdReaders?: HoldReaders;
  readTimeoutMs?: number;
}

/** A running stand-in. */
export interface Standin {
  urls: { apiUrl: string; rtmpUrl: string; rtspUrl: string; hlsUrl: string; flvUrl: string | null };
  close(): Promise<void>;
}
