import { interleavedChannel, rtspTarget } from './rtsp-url.rules';

describe('rtspTarget', () => {
  it.each([
    ['rtsp://h:8554/a/b', 'a/b', '', undefined],
    ['rtsp://u:p@h/a?token=T', 'a', 'token=T', undefined],
    ['rtsp://h/a/', 'a', '', undefined],
    ['rtsp://h/a/trackID=1', 'a', '', 1],
    ['rtsp://h/a/trackID=0?x=1', 'a', 'x=1', 0],
    ['rtsp://h/a?x=1/trackID=12', 'a', 'x=1', 12],
    ['rtsp://h/a?x=1/', 'a', 'x=1', undefined],
    ['rtsp://h', '', '', undefined],
    ['rtsp://h/', '', '', undefined],
    ['rtsp://h/a%2Fb', 'a/b', '', undefined],
    ['rtsp://h/a%zz', 'a%zz', '', undefined],
    ['RTSPS://h/a', 'a', '', undefined],
  ])('reads %s', (url, path, query, track) => {
    expect(rtspTarget(url)).toEqual({ path, query, track });
  });

  it.each(['http://h/a', '*', '/a'])('does not take %s', (url) => {
    expect(rtspTarget(url)).toBeUndefined();
  });
});

describe('interleavedChannel', () => {
  it.each([
    ['RTP/AVP/TCP;unicast;interleaved=4-5', 4],
    ['RTP/AVP/TCP;unicast', 6],
    ['RTP/AVP;unicast;client_port=1-2, RTP/AVP/TCP;interleaved=0-1', 0],
    ['RTP/AVP/TCP', 6],
    ['RTP/AVP;unicast;client_port=1-2', undefined],
    ['RTP/AVP/UDP;unicast', undefined],
    ['RTP/AVP/TCP;interleaved=255-256', undefined],
    ['', undefined],
  ])('reads %s', (transport, channel) => {
    expect(interleavedChannel(transport, 6)).toBe(channel);
  });
});
