import { announcedTracks } from './metadata.rules';
import { rtmpTarget } from './rtmp-url.rules';

describe('rtmpTarget', () => {
  it.each([
    ['rtmp://h:1935/robots', 'r1?user=u&pass=p', 'robots/r1', 'user=u&pass=p'],
    ['rtmp://h/robots/r1?user=u', '', 'robots/r1', 'user=u'],
    ['rtmp://h', 'path?token=T', 'path', 'token=T'],
    ['rtmp://h/', 'path', 'path', ''],
    ['rtmp://h/app/key', 'x', 'app/key/x', ''],
    ["'rtmp://h/a'", 'b', 'a/b', ''],
    ['rtmps://h/a', 'b', 'a/b', ''],
    ['rtmp://h/a', '', 'a', ''],
  ])('joins %s and %j', (tcUrl, key, path, query) => {
    expect(rtmpTarget(tcUrl, key)).toEqual({ path, query });
  });

  it.each(['', 'http://h/a', 'nonsense'])('does not take %j', (tcUrl) => {
    expect(rtmpTarget(tcUrl, 'x')).toBeUndefined();
  });
});

describe('announcedTracks', () => {
  it.each([
    ['videocodecid audiocodecid', true, true],
    ['videocodecid', false, true],
    ['', false, false],
  ])('finds them in %j', (text, audio, video) => {
    expect(announcedTracks(Buffer.from(text))).toEqual({ audio, video });
  });
});
