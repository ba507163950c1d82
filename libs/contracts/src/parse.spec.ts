import 'reflect-metadata';
import { DomainError } from './errors';
import { parseAs, parseMessage } from './parse';
import { RobotInfo, RobotPresence } from './robot.dto';
import { ReportedStream, RobotReply, StreamWish } from './stream.dto';

const aWish = (change: object = {}): Record<string, unknown> => ({
  v: 1,
  requestId: 'q1',
  version: 7,
  state: 'on',
  sessionId: '3f2c9f0e-8f0a-4c0e-9b1d-0a1b2c3d4e5f',
  camera: 'main',
  leaseTtlMs: 30_000,
  issuedAt: 1_700_000_000_000,
  ...change,
});
const anIngest = (change: object = {}): Record<string, unknown> => ({
  url: 'rtsp://media.example.org:8554/robots/r1',
  protocol: 'rtsp',
  token: 'T',
  tokenExpiresAt: 1_700_000_060_000,
  ...change,
});
const aReport = (change: object = {}): Record<string, unknown> => ({
  v: 1,
  version: 7,
  sessionId: null,
  state: 'live',
  since: 1,
  bootId: 'b',
  connSeq: 1,
  seq: 1,
  ...change,
});

const bytes = (value: unknown): Buffer =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function refusal<T extends object>(type: new () => T, value: unknown): DomainError {
  try {
    parseMessage(type, Buffer.isBuffer(value) ? value : bytes(value));
  } catch (error) {
    return error as DomainError;
  }
  throw new Error('it was accepted');
}

const namesOf = (error: DomainError): string[] => [...new Set(error.fields.map(({ field }) => field))].sort();

describe('parseMessage', () => {
  it('gives an instance of the class, with its defaults', () => {
    const wish = parseMessage(StreamWish, bytes(aWish({ profile: { width: 1280 } })));
    expect(wish).toBeInstanceOf(StreamWish);
    expect(wish.profile).toEqual({ width: 1280, height: 360, fps: 15, bitrateKbps: 800 });
  });

  it('drops what it does not know, at every depth', () => {
    const wish = parseMessage(StreamWish, bytes(aWish({ colour: 'red', ingest: anIngest({ extra: 1 }) })));
    expect(Object.keys(wish)).not.toContain('colour');
    expect(Object.keys(wish.ingest ?? {})).not.toContain('extra');
  });

  it.each<[string, object, string[]]>([
    ['an old schema', { v: 2 }, ['v']],
    ['a version as text', { version: '7' }, ['version']],
    ['a version of zero', { version: 0 }, ['version']],
    ['a version beyond 2^53', { version: 1e300 }, ['version']],
    ['a broken version', { version: 1.5 }, ['version']],
    ['a state that is none', { state: 'ON' }, ['state']],
    ['a session that is no uuid', { sessionId: 'x' }, ['sessionId']],
    ['a camera with a slash', { camera: 'a/b' }, ['camera']],
    ['a camera with a wildcard', { camera: '+' }, ['camera']],
    ['a lease without end', { leaseTtlMs: 1e9 }, ['leaseTtlMs']],
    ['a negative clock', { issuedAt: -1 }, ['issuedAt']],
    ['a request id of 65 characters', { requestId: 'x'.repeat(65) }, ['requestId']],
    ['an unknown cause', { cause: 'mood' }, ['cause']],
    ['0x0 pixels', { profile: { width: 0, height: 0 } }, ['profile.width', 'profile.height']],
    ['1e9 frames per second', { profile: { fps: 1e9 } }, ['profile.fps']],
    ['pixels as text', { profile: { width: '640; rm -rf /' } }, ['profile.width']],
    ['a profile that is a list', { profile: [1] }, ['profile.0']],
    ['a profile that is text', { profile: 'big' }, ['profile']],
    ['an ingest for HTTP', { ingest: anIngest({ url: 'http://x/y' }) }, ['ingest.url']],
    ['an ingest for a file', { ingest: anIngest({ url: 'file:///etc/passwd' }) }, ['ingest.url']],
    [
      'an ingest with credentials in its URL',
      { ingest: anIngest({ url: 'rtsp://u:p@h/x' }) },
      ['ingest.url'],
    ],
    ['an ingest without a token', { ingest: anIngest({ token: undefined }) }, ['ingest.token']],
    ['everything wrong', { v: 0, state: 0, camera: 0 }, ['camera', 'state', 'v']],
  ])('names the field of %s', (_what, change, fields) => {
    const error = refusal(StreamWish, aWish(change));
    expect(error.code).toBe('INVALID_INPUT');
    expect(namesOf(error)).toEqual([...fields].sort());
  });

  it('says of a nested field where it is', () => {
    const [{ message }] = refusal(StreamWish, aWish({ profile: { fps: 1e9 } })).fields;
    expect(message).toBe('profile.fps must not be greater than 120');
  });

  it('never repeats a value', () => {
    const canary = 'CANARY-9137';
    const error = refusal(
      StreamWish,
      aWish({ state: canary, camera: `${canary}/`, ingest: anIngest({ url: canary }) }),
    );
    expect(JSON.stringify([error.message, error.fields])).not.toContain(canary);
  });

  it.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"on"'],
    ['a number', '1'],
    ['half an object', '{"v":1'],
    ['two objects', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['the bare word of the older bridge', 'start'],
  ])('refuses %s', (_what, text) => {
    expect(refusal(StreamWish, text).code).toBe('INVALID_INPUT');
  });

  it('refuses bytes that are no UTF-8 in a field with a form', () => {
    const broken = Buffer.concat([bytes('{"camera":"'), Buffer.from([0xc3, 0x28, 0xff]), bytes('"}')]);
    expect(refusal(StreamWish, broken).fields.map(({ field }) => field)).toContain('camera');
  });

  it('refuses a huge message before it parses it', () => {
    const parse = jest.spyOn(JSON, 'parse');
    expect(refusal(StreamWish, aWish({ requestId: 'x'.repeat(5_000) })).message).toContain('4096');
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  it('refuses 2,000 nested lists by name, and not by an overflow', () => {
    expect(refusal(StreamWish, `{"profile":${'['.repeat(2_000)}${']'.repeat(2_000)}}`).code).toBe(
      'INVALID_INPUT',
    );
  });

  it.each(['__proto__', 'constructor', 'prototype'])('cannot be poisoned through %s', (key) => {
    const text = JSON.stringify(aWish()).replace(
      '{',
      `{"${key}":{"polluted":true,"prototype":{"polluted":true}},`,
    );
    const wish = parseMessage(StreamWish, bytes(text)) as StreamWish & { polluted?: boolean };
    expect(wish.polluted).toBeUndefined();
    expect(wish).toBeInstanceOf(StreamWish);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each<[string, object, string[]]>([
    [
      'statistics that are no numbers',
      { stats: { fps: 'many', frames: { a: 1 } } },
      ['stats.fps', 'stats.frames'],
    ],
    ['negative statistics', { stats: { bitrateKbps: -1 } }, ['stats.bitrateKbps']],
    ['an unknown state', { state: 'paused' }, ['state']],
    ['a negative version', { version: -1 }, ['version']],
    ['details without end', { detail: 'x'.repeat(1_025) }, ['detail']],
  ])('names the field of a report with %s', (_what, change, fields) => {
    expect(namesOf(refusal(ReportedStream, aReport(change)))).toEqual(fields);
  });

  it('reads a report, a reply, a birth and an info', () => {
    expect(parseMessage(ReportedStream, bytes(aReport({ stats: { fps: 14.97 } }))).stats).toEqual({
      fps: 14.97,
    });
    expect(parseMessage(RobotReply, bytes({ requestId: 'q', code: 'noop', bootId: 'b' })).code).toBe('noop');
    const birth = { v: 1, online: true, bootId: 'b', connSeq: 1, at: 1, clean: false };
    expect(parseMessage(RobotPresence, bytes(birth)).online).toBe(true);
    const info = { v: 1, agentVersion: '1', encoders: ['ffmpeg'], cameras: ['main'] };
    expect(parseMessage(RobotInfo, bytes(info)).cameras).toEqual(['main']);
    expect(refusal(RobotInfo, { ...info, cameras: ['a/b'] }).fields[0].field).toBe('cameras');
  });
});

describe('parseAs', () => {
  it.each([undefined, null, 7, 'text', [], () => undefined])('refuses %p', (value) => {
    expect(() => parseAs(StreamWish, value)).toThrow(DomainError);
  });
});
