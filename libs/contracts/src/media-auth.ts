/**
 * The body that MediaMTX v1.20.1 posts to `authHTTPAddress` (internal/auth/manager.go:192-231): ten keys, always all of them
 * since v1.19.0; before that `userAgent` is absent.
 */
export interface MediaAuthBody {
  user: string;
  password: string;
  token: string;
  ip: string;
  action: MediaAction;
  path: string;
  protocol: MediaProtocol | '';
  /** Session or connection id; null for pages, api, metrics, pprof and playback. */
  id: string | null;
  /** Raw query without `?`; may hold credentials. */
  query: string;
  userAgent?: string;
}

export const MEDIA_ACTIONS = ['publish', 'read', 'playback', 'api', 'metrics', 'pprof'] as const;
export type MediaAction = (typeof MEDIA_ACTIONS)[number];

export const MEDIA_PROTOCOLS = ['rtsp', 'rtmp', 'hls', 'webrtc', 'srt', 'moq'] as const;
export type MediaProtocol = (typeof MEDIA_PROTOCOLS)[number];
