import { readProgress } from './progress.rules';

describe('readProgress', () => {
  it.each([
    ['ffmpeg', 'frame=46', { position: 46, stats: { frames: 46 } }],
    ['ffmpeg', 'fps=15.04', { stats: { fps: 15.04 } }],
    ['ffmpeg', 'bitrate= 944.2kbits/s', { stats: { bitrateKbps: 944.2 } }],
    ['ffmpeg', 'bitrate=N/A', undefined],
    ['ffmpeg', 'progress=continue', undefined],
    ['ffmpeg', '', undefined],
    ['gstreamer', 'progressreport0 (00:01:05): 65 seconds', { position: 65 }],
    ['gstreamer', 'Redistribute latency...', undefined],
  ] as const)('%s: %s', (backend, line, expected) => {
    expect(readProgress(backend, line)).toEqual(expected);
  });
});
