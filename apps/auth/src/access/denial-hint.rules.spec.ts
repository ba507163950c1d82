import { hintFor, hintQuestion, isAskedForCredentials, type HintQuestion } from './denial-hint.rules';

it.each<[HintQuestion, RegExp | undefined]>([
  [{ protocol: 'rtmp', path: 'eve:secret:robots/r1' }, /not user:pass:stream/],
  [{ protocol: 'srt', path: 'eve:secret:robots/r1' }, /publish:path:user:pass/],
  [{ protocol: 'srt', path: '#!::r=robots/r1' }, /publish:path:user:pass/],
  [{ protocol: 'rtsp', path: 'eve:robots/r1' }, /no colon/],
  [{ protocol: 'hls', path: 'robots%2Fr1' }, /not decoded/],
  [{ protocol: 'rtsp', path: 'milestone_~cam' }, /regular expression/],
  [{ protocol: 'rtmp', path: 'robots/r1&user=eve' }, /belongs to the query/],
  [{ protocol: 'rtsp', path: 'robots/r1/' }, /no slash at its ends/],
  [{ protocol: 'rtsp', path: 'robots//r1' }, /no two in a row/],
  [{ protocol: 'hls', path: 'a', query: 'token=Bearer%20eyJ' }, /stands alone/],
  [{ protocol: 'rtsp', path: 'a', user: 'eve', password: 'Bearer eyJ' }, /stands alone/],
  [{ protocol: 'hls', path: 'a', query: 'token=1&token=2' }, /more than once/],
  [{ protocol: 'hls', path: 'a', query: 'jwt=eyJ' }, /named token/],
  [{ protocol: 'rtmp', path: 'a', query: 'user=eve&password=secret' }, /named user and pass/],
  [{ protocol: 'rtmp', path: 'a', query: 'username=eve&pass=secret' }, /named user and pass/],
  [{ protocol: 'rtsp', path: 'a', user: 'rk_abc' }, /is the password/],
  [{ protocol: 'rtmp', path: 'a' }, /RTMP client/],
  [{ protocol: 'srt', path: 'a' }, /SRT client/],
  [{ protocol: 'rtsp', path: 'a' }, undefined],
  [
    {
      protocol: 'rtmp',
      path: 'a',
      user: 'eve',
      password: 'wrong',
      token: 'wrong',
      query: 'user=eve&pass=wrong',
    },
    undefined,
  ],
  [{ protocol: 'srt', path: 'a', query: 'token=eyJ' }, undefined],
  [{}, undefined],
])('of %j it says %s', (question, expected) => {
  const hint = hintFor(question);
  if (expected) expect(hint).toMatch(expected);
  else expect(hint).toBeUndefined();
  expect(hint ?? '').not.toMatch(/secret|eve/);
});

it.each([null, undefined, 7, 'text', [], { path: 7, query: {} }, JSON.parse('{"__proto__":{"path":"a:b"}}')])(
  'makes nothing of %j',
  (body: unknown) => expect(hintFor(hintQuestion(body))).toBeUndefined(),
);

it('knows who is asked', () => {
  expect(isAskedForCredentials({ protocol: 'rtsp', action: 'read' })).toBe(true);
  expect(isAskedForCredentials({ protocol: '', action: 'playback' })).toBe(true);
  expect(isAskedForCredentials({ protocol: 'rtmp', action: 'publish' })).toBe(false);
  expect(isAskedForCredentials({ protocol: 'srt', action: 'read' })).toBe(false);
});
