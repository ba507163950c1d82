import { ingestUrl, mediaBases, viewerUrls } from './stream-urls.rules';

it('puts the ticket where MediaMTX looks for it in each protocol', () => {
  const bases = mediaBases({
    mediamtxPublicHost: 'media.example.org',
    mediaFlvUrl: 'http://media.example.org:8080/',
  });
  expect(viewerUrls(bases, 'robots/r1', 'T')).toEqual({
    rtsp: 'rtsp://media.example.org:8554/robots/r1?token=T',
    rtmp: 'rtmp://media.example.org:1935/robots/r1?token=T',
    hls: 'http://media.example.org:8888/robots/r1/index.m3u8?token=T',
    webrtc: 'http://media.example.org:8889/robots/r1/whep?token=T',
    srt: 'srt://media.example.org:8890?streamid=read:robots/r1:token=T',
    flv: 'http://media.example.org:8080/robots/r1.flv?token=T',
  });
});

it('leaves out what is not served', () => {
  const bases = mediaBases({
    mediamtxPublicHost: 'h',
    mediaWebrtcUrl: 'none',
    mediaSrtUrl: 'none',
    mediaRtspUrl: 'rtsps://h:8322',
  });
  expect(viewerUrls(bases, 'p', 'T')).toMatchObject({
    rtsp: 'rtsps://h:8322/p?token=T',
    webrtc: null,
    srt: null,
    flv: null,
  });
});

it.each([
  ['rtsp://h:8554', 'rtsp://h:8554/robots/r1/front'],
  ['rtsp://h:8554/', 'rtsp://h:8554/robots/r1/front'],
])('joins %s and a path', (base, url) => {
  expect(ingestUrl(base, 'robots/r1/front')).toBe(url);
});
