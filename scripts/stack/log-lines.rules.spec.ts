import { notable } from './log-lines.rules';

describe('lines worth a look', () => {
  it.each([
    ['{"level":"info","app":"auth","msg":"listening"}', undefined],
    [
      '{"level":"warn","app":"auth","at":"x","msg":"denied","path":"robots/r1","reason":"X"}',
      'warn: denied path=robots/r1 reason=X',
    ],
    ['{"level":"error","msg":"broke","error":"Error: a\\n  at b"}', 'error: broke error=Error: a'],
    ['2026/11/20 11:00:00 INF [RTSP] listener opened', undefined],
    ['2026/11/20 11:00:00 WAR [RTSP] something', 'warn: [RTSP] something'],
    ['2026/11/20 11:00:00 ERR listen: in use', 'error: listen: in use'],
    ['Error: cannot find module', 'Error: cannot find module'],
    ['{"broken', '{"broken'],
    ['', undefined],
  ])('%s → %s', (line, expected) => {
    expect(notable(line)).toBe(expected);
  });
});
