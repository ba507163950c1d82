import { scrub } from './scrub.rules';

const SECRET = 'c4n4ry';
const KEY = `rk_${'Zz9-_'.repeat(8)}abc`;
const TOKEN = `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiJyMSJ9'.repeat(3)}.${'s'.repeat(43)}`;

describe('scrub masks', () => {
  it.each([
    ...[
      'rtsp',
      'rtsps',
      'rtmp',
      'rtmps',
      'srt',
      'http',
      'https',
      'mqtt',
      'mqtts',
      'ws',
      'wss',
      'postgres',
    ].map((scheme) => [`${scheme}://bob:${SECRET}@host:1/a`]),
    [`rtsp://bob:p@${SECRET}@host/a`],
    [`rtsp://:${SECRET}@host/a`],
    [`rtsp://${SECRET}@host/a`],
    [`RTSP://bob:${SECRET}@HOST/a`],
    [`opening 'rtsp://bob:${SECRET}@host/a' for writing`],
    [`a rtsp://a:${SECRET}@h/ and rtmp://b:${SECRET}@h/`],
    [`rtmp://host/path?user=bob&pass=${SECRET}`],
    [`rtmp://host/path?pass=${SECRET}&user=bob`],
    [`http://host/a/index.m3u8?token=${SECRET}&_HLS_msn=1`],
    [`query token=${SECRET}`],
    [`token=${SECRET}`],
    [`"token=${SECRET}"`],
    [`{"query":"token=${SECRET}"}`],
    [`?jwt=${SECRET}`],
    [`?session=${SECRET}`],
    [`?access_token=${SECRET}`],
    [`srt://host:8890?streamid=publish:robots/r1:r1:${SECRET}`],
    [`srt://host:8890?streamid=read:robots/r1:r1:${SECRET}:lab=3&pkt_size=1316`],
    [`publish:robots/r1:token=${SECRET}`],
    [`srt://host?streamid=#!::m=publish,r=robots/r1,u=r1,s=${SECRET}`],
    [`srt://host?streamid=publish%3Arobots%2Fr1%3Ar1%3A${SECRET}`],
    [`srt://host?passphrase=${SECRET}&mode=caller`],
    [`Authorization: Bearer ${SECRET}`],
    [`Authorization: Basic ${Buffer.from(`bob:${SECRET}`).toString('base64')}`],
    [`authorization: bearer ${SECRET}`],
    [`AUTH_SECRET=${SECRET}`],
    [`MQTT_PASS=${SECRET}`],
    ['password ' + KEY],
    [`robot key ${KEY}.`],
    [`got ${TOKEN} from a client`],
    [`/robots/r1?t=${TOKEN}`],
  ])('%s', (text) => {
    const scrubbed = scrub(text);
    for (const secret of [SECRET, KEY, TOKEN, Buffer.from(`bob:${SECRET}`).toString('base64')]) {
      expect(scrubbed).not.toContain(secret);
    }
    expect(scrubbed).toContain('***');
  });

  it('and leaves what people need to find the fault', () => {
    expect(scrub(`rtsp://bob:${SECRET}@media:8554/robots/r1 refused`)).toBe(
      'rtsp://***@media:8554/robots/r1 refused',
    );
    expect(scrub(`publish:robots/r1:r1:${SECRET}`)).toContain('publish:robots/r1:');
    expect(scrub(`rtmp://h/p?pass=${SECRET}&lab=3`)).toBe('rtmp://h/p?pass=***&lab=3');
  });
});

describe('scrub leaves alone', () => {
  it.each([
    'robots/r1',
    'rtsp://media.example.org:8554/robots/r1',
    'http://[::1]:3000/v1/robots',
    'mail ops@example.org about robots/r1',
    'lease expired after 30 s: state=stopping, viewers=0',
    'GET /v1/users?limit=20&cursor=abc',
    'http://h/a?at=3@b',
    'tokens: 3 left, keyframe=12',
    'read:robots/r1',
    'eyJ is how a token begins',
    'Pipeline: videotestsrc ! x264enc bitrate=800 key-int-max=30',
    '',
  ])('%s', (text) => {
    expect(scrub(text)).toBe(text);
  });
});

describe('scrub is linear', () => {
  const n = 100_000;
  it.each([
    ['dots', 'a.'.repeat(n / 2)],
    ['letters', 'a'.repeat(n)],
    ['schemes', 'a://'.repeat(n / 4)],
    ['schemes without an end', `rtsp://${'a'.repeat(n)}`],
    ['at signs', `rtsp://${'a@'.repeat(n / 2)}`],
    ['questions', '?token'.repeat(n / 6)],
    ['blanks', ' '.repeat(n)],
    ['stream ids', 'read:'.repeat(n / 5)],
    ['slashes in a stream id', `read:${'a/'.repeat(n / 2)}`],
    ['Bearers', 'Bearer '.repeat(n / 7)],
    ['half tokens', 'eyJaaaaaaaaaa.'.repeat(n / 14)],
    ['dashes', 'eyJ-'.repeat(n / 4)],
    ['half keys', 'rk_'.repeat(n / 3)],
    ['hashes', '#!::m=a,'.repeat(n / 8)],
    ['encoded stream ids', 'read%3A'.repeat(n / 7)],
  ])('%s', (_what, text) => {
    const startedAt = performance.now();
    scrub(text);
    // A quadratic one takes 1 to 60 s here.
    expect(performance.now() - startedAt).toBeLessThan(400);
  });
});
