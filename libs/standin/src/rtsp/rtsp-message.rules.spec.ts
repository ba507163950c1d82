import { formatFrame, formatRequest, formatResponse, type RtspEvent, RtspReader } from './rtsp-message.rules';

const request = 'SETUP rtsp://h/p?q RTSP/1.0\r\nCSeq: 3\r\nX-A:b:c\r\n\r\n';

function readBytewise(data: Buffer): RtspEvent[] {
  const reader = new RtspReader();
  return [...data].flatMap((byte) => reader.push(Buffer.from([byte])));
}

describe('RtspReader', () => {
  it('reads requests, responses and frames, however they are cut', () => {
    const data = Buffer.concat([
      Buffer.from(request),
      formatFrame(2, Buffer.from([1, 2, 3])),
      Buffer.from(formatResponse(200, { CSeq: '1' }, 'body')),
      formatFrame(0, Buffer.alloc(0)),
      Buffer.from(formatRequest('PLAY', 'rtsp://h/p', { CSeq: '4' })),
    ]);
    const expected = [
      { kind: 'request', method: 'SETUP', url: 'rtsp://h/p?q', body: Buffer.alloc(0) },
      { kind: 'frame', channel: 2, data: Buffer.from([1, 2, 3]) },
      { kind: 'response', status: 200, body: Buffer.from('body') },
      { kind: 'frame', channel: 0, data: Buffer.alloc(0) },
      { kind: 'request', method: 'PLAY', url: 'rtsp://h/p' },
    ];
    expect(new RtspReader().push(data)).toMatchObject(expected);
    expect(readBytewise(data)).toMatchObject(expected);
  });

  it('finds headers whatever their case, the first one winning', () => {
    const [event] = new RtspReader().push(Buffer.from('OPTIONS * RTSP/1.0\r\ncSeQ: 1\r\nCSEQ: 2\r\n\r\n'));
    expect(event?.kind === 'request' && event.headers.get('cseq')).toBe('1');
  });

  it.each([
    ['binary', Buffer.alloc(20)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a header without a colon', Buffer.from('OPTIONS * RTSP/1.0\r\nhello\r\n\r\n')],
    ['a length that is none', Buffer.from('OPTIONS * RTSP/1.0\r\nContent-Length: x\r\n\r\n')],
    ['a negative length', Buffer.from('OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n')],
    ['a huge length', Buffer.from('OPTIONS * RTSP/1.0\r\nContent-Length: 9999999\r\n\r\n')],
    ['an endless head', Buffer.from(`OPTIONS * RTSP/1.0\r\nA: ${'a'.repeat(20_000)}`)],
  ])('throws on %s', (_name, data) => {
    expect(() => new RtspReader().push(data)).toThrow();
  });
});
