import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { until } from '../../../../test/support/until';
import { EventLog } from './event-log';
import { EventStream, type Verdict } from './event-stream';
import type { FleetEvent } from './event.rules';

/** A client that reads only when it is let. */
class Reader extends Writable {
  text = '';
  reads = true;
  private waiting?: () => void;

  constructor() {
    super({ highWaterMark: 64 });
  }

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.text += chunk.toString();
    if (this.reads) done();
    else this.waiting = done;
  }

  go(): void {
    this.reads = true;
    this.waiting?.();
  }

  numbers(): number[] {
    return [...this.text.matchAll(/^data: \{"n":(\d+)\}$/gm)].map(([, n]) => Number(n));
  }
}

const event = (n: number): FleetEvent => ({ name: 'stream', data: { n }, audience: { who: 'everyone' } });

function open({
  log = new EventLog('b'),
  lastEventId,
  judge = () => 'show',
}: {
  log?: EventLog;
  lastEventId?: string;
  judge?: (n: number) => Verdict;
}) {
  const reader = new Reader();
  const stream = new EventStream(log, {
    response: reader as unknown as ServerResponse,
    lastEventId,
    judge: ({ data }) => Promise.resolve(judge((data as { n: number }).n)),
  });
  const say = (from: number, to: number): void => {
    for (let n = from; n <= to; n += 1) {
      log.append(event(n));
      stream.wake();
    }
  };
  return { log, reader, stream, say };
}

function filled(events: number): EventLog {
  const log = new EventLog('b');
  for (let n = 1; n <= events; n += 1) log.append(event(n));
  return log;
}

it('shows a new client what happens from now on', async () => {
  const { reader, say } = open({ log: filled(5) });
  expect(reader.text).toBe('retry: 2000\n\nid: b-5\n\n');
  say(6, 7);
  await until(() => reader.numbers().length === 2);
  expect(reader.text).toContain('id: b-6\nevent: stream\ndata: {"n":6}\n\n');
});

it('shows one that comes back everything in between, in order', async () => {
  const { reader } = open({ log: filled(900), lastEventId: 'b-100' });
  await until(() => reader.numbers().length === 800);
  expect(reader.numbers()).toEqual(Array.from({ length: 800 }, (_, index) => index + 101));
});

it.each(['b-3', 'other-1990', 'nonsense', ''])(
  'tells one that comes with %j to start anew',
  (lastEventId) => {
    const { reader } = open({ log: filled(2_000), lastEventId });
    expect(reader.text).toBe('retry: 2000\n\nid: b-2000\nevent: reset\ndata: {"reason":"missed"}\n\n');
  },
);

it('hides what is for others, and moves the place past it', async () => {
  const { reader, stream, say } = open({ judge: (n) => (n % 2 === 0 ? 'show' : 'hide') });
  say(1, 5);
  await until(() => reader.numbers().length === 2);
  await until(() => {
    stream.beat();
    return reader.text.endsWith(': still here\nid: b-5\n\n');
  });
  expect(reader.numbers()).toEqual([2, 4]);
});

it('ends when the caller is gone', async () => {
  const { reader, say } = open({ judge: (n) => (n < 2 ? 'show' : 'gone') });
  say(1, 3);
  await until(() => reader.writableFinished);
  expect(reader.numbers()).toEqual([1]);
});

it('waits for a client that is slow for a while', async () => {
  const { reader, say } = open({});
  reader.reads = false;
  say(1, 200);
  await until(() => reader.writableNeedDrain);
  say(201, 250);
  expect(reader.writableLength).toBeLessThan(500);
  reader.go();
  await until(() => reader.numbers().length === 250);
});

it('sends away a client that does not read, with a last word if it comes to that', async () => {
  const { reader, say } = open({});
  reader.reads = false;
  say(1, 10);
  await until(() => reader.writableNeedDrain);
  say(11, 400);
  expect(reader.writableEnded).toBe(true);
  reader.go();
  await until(() => reader.writableFinished);
  expect(reader.text.endsWith('event: overflow\ndata: {}\n\n')).toBe(true);
});

it('cuts a client that does not even read the last word', async () => {
  const { reader, stream } = open({});
  reader.reads = false;
  stream.end();
  await until(() => reader.destroyed, { timeoutMs: 3_000 });
});
