import { hlsRequest, multivariantPlaylist, withoutCookieCheck, withParam, withQuery } from './playlist.rules';

describe('hlsRequest', () => {
  it.each([
    ['/', { kind: 'none' }],
    ['/favicon.ico', { kind: 'none' }],
    ['/a/b', { kind: 'slash' }],
    ['/a/b/', { kind: 'page', path: 'a/b' }],
    ['/a/b/index.m3u8', { kind: 'index', path: 'a/b' }],
    ['/index.m3u8', { kind: 'index', path: '.' }],
    ['/a/main_stream.m3u8', { kind: 'file', path: 'a', file: 'main_stream.m3u8' }],
    ['/a/main_seg1.ts', { kind: 'file', path: 'a', file: 'main_seg1.ts' }],
  ])('sorts %s', (path, expected) => {
    expect(hlsRequest(path)).toEqual(expected);
  });
});

describe('queries', () => {
  it.each([
    ['cookieCheck=1&b=2&a=1', 'a=1&b=2'],
    ['cookieCheck=1', ''],
    ['token=a%3Cb', 'token=a%3Cb'],
  ])('lose cookieCheck: %s', (query, expected) => {
    expect(withoutCookieCheck(query)).toBe(expected);
  });

  it('gain a parameter, sorted', () => {
    expect(withParam('z=1&a=2', 'session', 's')).toBe('a=2&session=s&z=1');
    expect(withParam('session=old', 'session', 'new')).toBe('session=new');
  });

  it('go along with every URI of a playlist', () => {
    expect(withQuery('#EXTM3U\nseg0.ts\n\n#X\nseg1.ts\n', 'a=1')).toBe(
      '#EXTM3U\nseg0.ts?a=1\n\n#X\nseg1.ts?a=1\n',
    );
    expect(withQuery('seg0.ts', '')).toBe('seg0.ts');
  });
});

describe('multivariantPlaylist', () => {
  it('names codecs and size', () => {
    const text = multivariantPlaylist({
      codecs: ['avc1.42c00c', 'mp4a.40.2'],
      size: { width: 320, height: 240 },
      query: 'session=s',
    });
    expect(text).toContain('CODECS="avc1.42c00c,mp4a.40.2",RESOLUTION=320x240\nmain_stream.m3u8?session=s\n');
  });

  it('leaves out a size that nobody knows', () => {
    expect(multivariantPlaylist({ codecs: [], size: null, query: 'q' })).not.toContain('RESOLUTION');
  });
});
