import type { ProbeReport } from '@rovercast/contracts';
import { fitReport, judgeGlance, type Glance } from './probe.rules';

const glance = (change: Partial<Glance>): Glance => ({
  stdout: '',
  stderr: '',
  exitCode: 1,
  timedOut: false,
  ...change,
});

const FFMPEG = `Input #0, rtsp, from 'rtsp://cam/1':
  Duration: N/A, start: 0.080000, bitrate: N/A
  Stream #0:0: Video: h264 (Constrained Baseline), yuv420p(tv, bt709, progressive), 1280x720 [SAR 1:1 DAR 16:9], 25 fps, 25 tbr, 90k tbn
Output #0, null, to 'pipe:':
  Stream #0:0: Video: wrapped_avframe, yuv420p, 640x360, q=2-31, 200 kb/s, 50 fps`;

it('reads codec, size and rate of the input, not of the output', () => {
  const stdout = 'frame=2\nprogress=continue\nframe=5\nprogress=end\n';
  expect(judgeGlance('main', glance({ stdout, stderr: FFMPEG, exitCode: 0 }))).toEqual({
    camera: 'main',
    ok: true,
    codec: 'h264',
    width: 1280,
    height: 720,
    fps: 25,
  });
});

it('reads the caps of GStreamer', () => {
  const stdout =
    '/GstPipeline:pipeline0/GstCapsFilter: caps = video/x-raw, format=(string)I420, width=(int)1280, height=(int)720, framerate=(fraction)30/1\n';
  expect(judgeGlance('main', glance({ stdout, exitCode: 0 }))).toMatchObject({
    ok: true,
    codec: 'raw',
    fps: 30,
  });
});

it.each<[string, Partial<Glance>, string]>([
  ['nothing there', { stderr: '/dev/video7: No such file or directory' }, 'missing'],
  ['somebody has it', { stderr: '/dev/video0: Device or resource busy' }, 'busy'],
  ['wrong password', { stderr: 'method DESCRIBE failed: 401 Unauthorized' }, 'denied'],
  ['not in group video', { stderr: '/dev/video0: Permission denied' }, 'denied'],
  ['no such path', { stderr: 'method DESCRIBE failed: 404 Not Found' }, 'missing'],
  ['host away', { stderr: 'Connection to tcp://10.0.0.9:554 failed: Connection refused' }, 'unreachable'],
  ['silence', { timedOut: true, exitCode: null }, 'timeout'],
  ['a text file', { stderr: 'Invalid data found when processing input' }, 'no_video'],
  ['no plugin', { stderr: 'WARNING: erroneous pipeline: no element "libcamerasrc"' }, 'no_tool'],
  ['silence after the header', { stderr: FFMPEG, timedOut: true, exitCode: null }, 'timeout'],
  ['too few pictures', { stdout: 'frame=1', stderr: FFMPEG, exitCode: 0 }, 'other'],
])('%s: %j', (_, change, problem) => {
  expect(judgeGlance('main', glance(change))).toMatchObject({ ok: false, problem });
});

it('fits any report into 4 KB', () => {
  const cameras = Array.from({ length: 60 }, (_, index) => ({
    camera: `c${index}`,
    ok: false,
    detail: 'x'.repeat(300),
  }));
  const report: ProbeReport = { v: 1, cameras, encoders: [] };
  const cut = fitReport(report);
  expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThanOrEqual(4_096);
  expect(cut.truncated).toBe(true);
  expect(cut.cameras.length).toBeGreaterThan(10);
  expect(fitReport({ ...report, cameras: cameras.slice(0, 2) }).truncated).toBeUndefined();
});
