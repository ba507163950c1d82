import { banner, type BannerFacts } from './banner';
import type { StackFile } from './stack-file';

const aStack = (more: Partial<StackFile> = {}): StackFile => ({
  gateway: { url: 'http://127.0.0.1:3000' },
  auth: { url: 'http://127.0.0.1:3001' },
  monitor: { url: 'http://127.0.0.1:3002' },
  mqtt: { url: 'mqtt://g:secret@127.0.0.1:1883' },
  media: {
    kind: 'embedded',
    apiUrl: 'http://monitor:apisecret@127.0.0.1:9997',
    rtmpUrl: 'rtmp://127.0.0.1:1935',
    rtspUrl: 'rtsp://127.0.0.1:8554',
    hlsUrl: 'http://127.0.0.1:8888',
    webrtcUrl: null,
  },
  database: { url: 'postgres://rovercast:dbsecret@127.0.0.1:54329/rovercast' },
  accounts: {
    admin: { username: 'admin', password: 'aaaa' },
    viewer: { username: 'viewer', password: 'vvvv' },
  },
  robot: { id: 'demo' },
  ...more,
});

const facts = (more: Partial<BannerFacts> = {}): BannerFacts => ({
  stack: aStack(),
  srtUrl: null,
  flvUrl: 'http://127.0.0.1:8898',
  moved: [],
  mediaServer: 'our stand-in',
  database: 'embedded Postgres on port 54329',
  broker: 'embedded',
  ffmpegPath: '/usr/bin/ffmpeg',
  dataDir: '/x/.run/data',
  logDir: '/x/.run/logs',
  tookMs: 4321,
  hints: [],
  ...more,
});

describe('banner', () => {
  it('names every door, the media server, the accounts and two commands', () => {
    const text = banner(facts());
    for (const part of [
      'http://127.0.0.1:3000/docs',
      'our stand-in',
      'rtsp://127.0.0.1:8554',
      '4.3 s',
      'aaaa',
      'vvvv',
      '/x/.run/logs',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain('ffplay -rtsp_transport tcp rtsp://viewer:vvvv@127.0.0.1:8554/robots/demo');
    expect(text).toContain('curl -s -X POST "http://127.0.0.1:3000/v1/robots/demo/stream?wait=live"');
  });

  it('leaves out what is not served', () => {
    expect(banner(facts())).not.toContain('WebRTC');
    expect(banner(facts({ srtUrl: 'srt://127.0.0.1:8890' }))).toContain('srt://127.0.0.1:8890');
  });

  it('shows no secret but the demo passwords', () => {
    expect(banner(facts())).not.toMatch(/secret/);
  });

  it('says which ports moved', () => {
    const moved = [{ name: 'rtsp' as const, wanted: 8554, taken: 8555 }];
    expect(banner(facts({ moved }))).toMatch(/rtsp\s+port 8554 is taken; on 8555 instead/);
  });

  it('offers no robot command without a robot', () => {
    const text = banner(facts({ stack: aStack({ robot: null }) }));
    expect(text).toContain('none (--no-robot)');
    expect(text).not.toContain('curl');
  });

  it('says what is missing for the demo robot', () => {
    expect(banner(facts({ ffmpegPath: undefined }))).toContain('install FFmpeg');
  });
});
