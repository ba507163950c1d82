import { parseCameras, parseSource } from './cameras.rules';

describe('parseSource', () => {
  it.each([
    ['test', { kind: 'test' }],
    ['v4l2:/dev/video0', { kind: 'v4l2', device: '/dev/video0' }],
    ['v4l2:/dev/v4l/by-id/usb-046d-index0', { kind: 'v4l2', device: '/dev/v4l/by-id/usb-046d-index0' }],
    ['libcamera', { kind: 'libcamera' }],
    [
      'libcamera:/base/soc/i2c0mux/i2c@1/imx219@10',
      { kind: 'libcamera', name: '/base/soc/i2c0mux/i2c@1/imx219@10' },
    ],
    ['file:/srv/loop.mp4', { kind: 'file', path: '/srv/loop.mp4' }],
    ['rtsp://u:p@cam:554/x', { kind: 'rtsp', url: 'rtsp://u:p@cam:554/x' }],
  ])('reads %s', (text, expected) => {
    expect(parseSource(text)).toEqual(expected);
  });

  it.each([
    '',
    'tests',
    'test:x',
    'v4l2:',
    'v4l2:/dev/../etc/passwd',
    'v4l2:-i',
    'v4l2:/etc/passwd',
    'file:',
    'file:a"b',
    'file:a!b',
    'rtsp:cam',
    'rtsp://cam/x y',
    'rtsp://cam/x!filesink',
    'http://cam/x',
    'concat:a|b',
    'libcamera:',
    'libcamera:a b',
  ])('refuses %p', (text) => {
    expect(parseSource(text)).toBeUndefined();
  });
});

describe('parseCameras', () => {
  it('reads the list and the JSON form alike', () => {
    const expected = [
      { name: 'main', source: { kind: 'test' } },
      { name: 'front', source: { kind: 'rtsp', url: 'rtsp://c/x?a=b' } },
    ];
    expect(parseCameras(' main=test, front=rtsp://c/x?a=b ')).toEqual(expected);
    expect(parseCameras('{"main":"test","front":"rtsp://c/x?a=b"}')).toEqual(expected);
  });

  it.each([
    ['', 'there is no camera'],
    ['{', 'JSON'],
    ['{}', 'there is no camera'],
    ['a b=test', 'camera name'],
    ['main=test,main=test', 'main is there twice'],
    ['main=rtsp://admin:hunter2@cam x', 'camera main is none of'],
    ['{"main":5}', 'camera main is none of'],
    ['main', 'camera main is none of'],
  ])('refuses %p: %s', (text, problem) => {
    expect(() => parseCameras(text)).toThrow(problem);
    expect(() => parseCameras(text)).not.toThrow('hunter2');
  });
});
