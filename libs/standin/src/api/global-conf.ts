import { formatDuration } from './duration.rules';

/** The keys of the global configuration that say what this server is; the real one has many more. */
export function globalConf(authUrl: string, readTimeoutMs: number): object {
  return {
    logLevel: 'info',
    readTimeout: formatDuration(readTimeoutMs),
    writeTimeout: formatDuration(readTimeoutMs),
    authMethod: 'http',
    authHTTPAddress: authUrl,
    authHTTPFingerprint: '',
    authHTTPExclude: [],
    api: true,
    metrics: false,
    pprof: false,
    playback: false,
    rtsp: true,
    rtspTransports: ['tcp'],
    rtspEncryption: 'no',
    rtspAuthMethods: ['basic'],
    rtmp: true,
    rtmpEncryption: 'no',
    hls: true,
    hlsEncryption: false,
    hlsAlwaysRemux: false,
    hlsVariant: 'mpegts',
    hlsSegmentCount: 7,
    hlsSegmentDuration: '1s',
    hlsMuxerCloseAfter: '1m0s',
    webrtc: false,
    srt: false,
    moq: false,
  };
}
