import { streamPath, type PublishProtocol } from '@rovercast/contracts';

interface LegacySettings {
  robotId: string;
  robotKey?: string;
  mediaServer?: string;
  mediaPublishUser?: string;
  mediaPublishPass?: string;
}

export interface LegacyIngest {
  url: string;
  protocol: PublishProtocol;
  login: { user: string; pass: string };
}

const PROTOCOLS: Record<string, PublishProtocol> = {
  'rtmp:': 'rtmp',
  'rtmps:': 'rtmp',
  'rtsp:': 'rtsp',
  'rtsps:': 'rtsp',
  'srt:': 'srt',
};

/**
 * Where a bare `start` publishes to: `MEDIA_SERVER` as URL, or as host for RTMP; with the camera's own path where it names none.
 * Undefined when there is no media server, or it is no address.
 */
export function legacyIngest(settings: LegacySettings, camera: string): LegacyIngest | undefined {
  const { mediaServer, robotId } = settings;
  if (!mediaServer) return undefined;
  const text = mediaServer.includes('://') ? mediaServer : `rtmp://${mediaServer}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !PROTOCOLS[url.protocol] || !url.hostname) return undefined;
  if (url.pathname === '' || url.pathname === '/') url.pathname = `/${streamPath(robotId, camera)}`;
  const login = {
    user: settings.mediaPublishUser ?? robotId,
    pass: settings.mediaPublishPass ?? settings.robotKey ?? '',
  };
  return { url: url.href, protocol: PROTOCOLS[url.protocol], login };
}
