import { checkSource, shownSource } from './source.rules';

describe('the form of a source', () => {
  it.each([
    ['rtsp://vms.example.org/cam/1', 'vms.example.org', 554],
    ['RTSP://vms.example.org/cam/1', 'vms.example.org', 554],
    ['rtsp://user:p%40ss@203.0.113.7:8554/live?channel=1&subtype=0', '203.0.113.7', 8554],
    ['rtsps://vms.example.org/cam', 'vms.example.org', 322],
    ['rtsp://[2001:db8::1]:554/x', '2001:db8::1', 554],
    ['srt://vms.example.org:8890?streamid=read:cam&passphrase=0123456789', 'vms.example.org', 8890],
    ['https://cdn.example.org/live/index.m3u8?token=x', 'cdn.example.org', 443],
    ['http://cdn.example.org:8080/live/INDEX.M3U8', 'cdn.example.org', 8080],
  ])('is good: %s', (source, host, port) => {
    expect(checkSource(source)).toEqual({ ok: true, form: { host, port } });
  });

  it.each([
    ['', /ASCII/],
    ['vms.example.org/cam', /be a URL/],
    ['rtsp:vms', /be a URL/],
    ['rtsp://', /URL|host/],
    ['rtsp:///cam', /URL|host/],
    ['rtsp://host:99999/x', /be a URL/],
    ['rtsp://host/a b', /spaces/],
    ['rtsp://host/a\nb', /spaces/],
    ['rtsp://höst/x', /ASCII/],
    ['file:///etc/passwd', /rtsp, rtsps/],
    ['ftp://host/x', /rtsp, rtsps/],
    ['rtmp://host/x', /rtsp, rtsps/],
    ['udp://239.0.0.1:1234', /rtsp, rtsps/],
    ['gopher://host/x', /rtsp, rtsps/],
    ['constructor://host/x', /rtsp, rtsps/],
    ['publisher', /be a URL/],
    ['redirect', /be a URL/],
    ['rtsp://user:p@ss@host/x', /%40/],
    ['rtsp://host/x:y@10.0.0.1/', /%40/],
    ['rtsp://user:pass@host/x@y', /%40/],
    ['http://host\\@10.0.0.1/x.m3u8', /%40/],
    ['rtsp://%31%32%37.0.0.1/x', /host/],
    ['rtsp://a,b/x', /host/],
    ['rtsp://[fe80::1%25eth0]/x', /URL|host/],
    ['rtsp://user@host/x', /both/],
    ['rtsp://user:@host/x', /both/],
    ['rtsp://:secret@host/x', /both|%40/],
    ['rtsp://host/x#y', /fragment/],
    ['http://host/admin', /m3u8/],
    ['http://host/admin?x=.m3u8', /m3u8/],
    ['srt://host?streamid=x', /port/],
    ['srt://host:0?streamid=x', /port/],
    ['rtsp://host/$G1', /\$G1/],
    ['rtsp://host/x?$MTX_QUERY', /\$G1/],
    [`rtsp://host/${'x'.repeat(1_100)}`, /1024/],
  ])('is bad: %j', (source, problem) => {
    const checked = checkSource(source);
    expect(checked).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });

  it('keeps to the ports that may be called, where they are listed', () => {
    expect(checkSource('rtsp://host/x', [554, 8554]).ok).toBe(true);
    expect(checkSource('rtsp://host:22/x', [554, 8554])).toEqual({
      ok: false,
      problem: expect.stringMatching(/port/),
    });
  });
});

it.each([
  ['rtsp://host/x', 'rtsp://host/x'],
  ['rtsp://user:secret@host:554/x?channel=1', 'rtsp://user:***@host:554/x?channel=1'],
  ['rtsp://user:se:cr@et@host/x', 'rtsp://user:***@host/x'],
  ['rtsp://host/x@y', 'rtsp://host/x@y'],
  ['https://host/i.m3u8?token=secret&a=1', 'https://host/i.m3u8?token=***&a=1'],
  [
    'srt://host:1?mode=caller&streamid=read:x:u:secret&passphrase=secret',
    'srt://host:1?mode=caller&streamid=***&passphrase=***',
  ],
  ['rtsp://host/user=admin_password=secret_channel=1/x.sdp', 'rtsp://host/user=admin_password=***/x.sdp'],
  ['rtsp://host/user=admin&pwd=secret&channel=1', 'rtsp://host/user=admin&pwd=***&channel=1'],
])('shows %s as %s', (source, shown) => {
  expect(shownSource(source)).toBe(shown);
});
