import { PathRefusedError } from '../auth/access.errors';
import { avcHeaderPacket, avcPacket } from '../media/flv.rules';
import type { MediaPacket } from '../media/packet';
import { Hub } from './hub';
import type { OnDemandSource, PathMember, PullTarget } from './media-path';
import { MediaStream } from './media-stream';
import { PathConfigs } from './path-config';
import { pathNameProblem } from './path-name.rules';

const sps = Buffer.from('Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==', 'base64');
const pps = Buffer.from('aM4PyA==', 'base64');
const header = avcHeaderPacket({ sps, pps }, 0);
const picture = (key: boolean, dtsMs: number) => avcPacket({ nals: [pps], key, dtsMs, ptsMs: dtsMs });

function aMember(): PathMember & { closed: string[] } {
  const closed: string[] = [];
  return { ref: { type: 'rtmpConn', id: 'x' }, closed, close: (reason) => closed.push(reason) };
}

class FakePull implements OnDemandSource {
  readonly ref = { type: 'rtspSource', id: '' };
  log: string[] = [];

  constructor(readonly target: PullTarget) {}

  start(): void {
    this.log.push('start');
  }

  stop(): void {
    this.log.push('stop');
  }

  close(): void {
    this.log.push('close');
  }
}

describe('a path', () => {
  let configs: PathConfigs;
  let hub: Hub;
  let pull: FakePull;

  beforeEach(() => {
    jest.useFakeTimers();
    configs = new PathConfigs({ match: /^hold\//, startTimeoutMs: 5_000 });
    hub = new Hub(configs);
    hub.usePulls((_source, target) => (pull = new FakePull(target)));
  });
  afterEach(() => {
    hub.close();
    jest.useRealTimers();
  });

  const names = () => hub.list().map(({ name }) => name);

  it('exists while somebody is on it', async () => {
    const publisher = aMember();
    hub.publish('a', publisher, new MediaStream());
    const reader = aMember();
    await hub.read('a', reader);
    expect(names()).toEqual(['a']);
    hub.unpublish('a', publisher);
    expect(reader.closed).toHaveLength(1);
    expect(names()).toEqual([]);
  });

  it('has no stream for a reader who comes alone', async () => {
    await expect(hub.read('a', aMember())).rejects.toThrow("no stream is available on path 'a'");
    expect(names()).toEqual([]);
  });

  it('passes to a second publisher, even when closing the first one leaves it', () => {
    const first: PathMember = { ref: { type: 'rtmpConn', id: '1' }, close: () => hub.unpublish('a', first) };
    const second = aMember();
    hub.publish('a', first, new MediaStream());
    hub.publish('a', second, new MediaStream());
    expect(hub.get('a')?.source).toBe(second);
  });

  it('holds readers until a publisher comes', async () => {
    const reading = [hub.read('hold/a', aMember()), hub.describe('hold/a')];
    const stream = new MediaStream();
    hub.publish('hold/a', aMember(), stream);
    expect(await Promise.all(reading)).toEqual([stream, stream]);
  });

  it('sends held readers away in time, all at once', async () => {
    const first = hub.read('hold/a', aMember());
    jest.advanceTimersByTime(4_000);
    const second = hub.read('hold/a', aMember());
    jest.advanceTimersByTime(1_000);
    const text = "source of path 'hold/a' has timed out";
    await expect(first).rejects.toThrow(text);
    await expect(second).rejects.toThrow(text);
    expect(names()).toEqual([]);
  });

  it('forgets a held reader who hangs up', async () => {
    const abort = new AbortController();
    const reading = hub.read('hold/a', aMember(), abort.signal);
    abort.abort();
    await expect(reading).rejects.toThrow(PathRefusedError);
    expect(names()).toEqual([]);
  });

  it('starts its source with the first reader and stops it a while after the last one', async () => {
    const config = { name: 'cam', source: 'rtsp://h/x', sourceOnDemand: true, holdsReaders: false };
    configs.set({ ...config, startTimeoutMs: 5_000, closeAfterMs: 2_000 });
    hub.reconfigure();
    expect([names(), pull.log]).toEqual([['cam'], []]);
    const reader = aMember();
    const reading = hub.read('cam', reader);
    expect(pull.log).toEqual(['start']);
    pull.target.publish(pull, new MediaStream());
    await reading;
    hub.leave('cam', reader);
    jest.advanceTimersByTime(1_900);
    await hub.read('cam', reader);
    jest.advanceTimersByTime(5_000);
    expect(pull.log).toEqual(['start']);
    hub.leave('cam', reader);
    jest.advanceTimersByTime(2_000);
    expect(pull.log).toEqual(['start', 'stop']);
    expect(hub.get('cam')).toMatchObject({ source: undefined, stream: undefined });
  });

  it('refuses publishers where it pulls', () => {
    const config = { name: 'cam', source: 'rtsp://h/x', sourceOnDemand: true, holdsReaders: false };
    configs.set({ ...config, startTimeoutMs: 5_000, closeAfterMs: 2_000 });
    expect(() => hub.publish('cam', aMember(), new MediaStream())).toThrow("can't publish to path 'cam'");
  });
});

describe('a stream', () => {
  const reader = () => {
    const got: MediaPacket[] = [];
    return { got, send: (packet: MediaPacket) => got.push(packet) };
  };

  it('gives a newcomer the headers and all since the last key picture', () => {
    const stream = new MediaStream();
    const packets = [header, picture(true, 0), picture(false, 40), picture(true, 80), picture(false, 120)];
    packets.forEach((packet) => stream.write(packet));
    const late = reader();
    stream.attach(late);
    expect(late.got).toEqual([header, packets[3], packets[4]]);
  });

  it('gives nothing that cannot be decoded', () => {
    const stream = new MediaStream();
    const early = reader();
    stream.write(header);
    stream.attach(early);
    [picture(false, 0), picture(true, 40), picture(false, 80)].forEach((packet) => stream.write(packet));
    expect(early.got.map(({ dtsMs, key }) => [dtsMs, key])).toEqual([
      [0, false],
      [40, true],
      [80, false],
    ]);
    expect(early.got[0]?.header).toBe(true);
  });

  it('keeps no more than it should of a stream without key pictures', () => {
    const stream = new MediaStream();
    stream.write(header);
    stream.write(picture(true, 0));
    for (let at = 1; at < 6_000; at++) stream.write(picture(false, at));
    const late = reader();
    stream.attach(late);
    expect(late.got).toEqual([header]);
  });

  it('counts what came in and what went to readers, but not to the muxer', () => {
    const stream = new MediaStream();
    stream.attach(reader(), { counted: false });
    stream.attach(reader());
    stream.write(header);
    stream.write(picture(true, 0));
    expect(stream.inboundBytes).toBeGreaterThan(0);
    expect(stream.outboundBytes).toBe(stream.inboundBytes);
  });
});

describe('pathNameProblem', () => {
  it.each([
    ['a', undefined],
    ['a/b.c_d-E/9', undefined],
    ['a//b', undefined],
    ['', 'cannot be empty'],
    ['/a', "can't begin with a slash"],
    ['a/', "can't end with a slash"],
    ['a:b', 'can contain only alphanumeric characters, underscore, dot, minus, slash'],
    ['a b', 'can contain only alphanumeric characters, underscore, dot, minus, slash'],
    ['a/../b', "can't contain dot path segments"],
    ['.', "can't contain dot path segments"],
    ['a/...', undefined],
  ])('%j: %s', (name, problem) => {
    expect(pathNameProblem(name)).toBe(problem);
  });
});
