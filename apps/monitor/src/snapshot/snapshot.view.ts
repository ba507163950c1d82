export interface MediaTrackView {
  codec: string;
  width?: number;
  height?: number;
}

/** The answer of `GET /snapshot`. */
export interface SnapshotView {
  /** RFC 3339; null before the first complete look. */
  takenAt: string | null;
  paths: {
    name: string;
    available: boolean;
    viewers: number;
    tracks: MediaTrackView[];
    inboundBytes: number;
    outboundBytes: number;
  }[];
}
