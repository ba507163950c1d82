import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogTail } from './log-tail';

describe('following a log', () => {
  let folder: string;
  let file: string;
  let lines: string[];
  let tail: LogTail;

  beforeEach(() => {
    jest.useFakeTimers();
    folder = mkdtempSync(join(tmpdir(), 'rovercast-tail-'));
    file = join(folder, 'log');
    writeFileSync(file, '');
    lines = [];
    tail = new LogTail(file, (line) => lines.push(line));
  });
  afterEach(() => {
    jest.useRealTimers();
    rmSync(folder, { recursive: true });
  });
  const look = (): void => void jest.advanceTimersByTime(1_000);

  it('gives whole lines, however they were written', () => {
    appendFileSync(file, 'one\ntw');
    look();
    expect(lines).toEqual(['one']);
    appendFileSync(file, Buffer.from('o ü').subarray(0, 3));
    look();
    appendFileSync(file, Buffer.from('ü').subarray(1));
    appendFileSync(file, '\n');
    look();
    expect(lines).toEqual(['one', 'two ü']);
    tail.close();
  });

  it('reads more than it holds at once', () => {
    appendFileSync(file, `${'x'.repeat(200_000)}\nend\n`);
    look();
    expect(lines.map((line) => line.length)).toEqual([200_000, 3]);
    tail.close();
  });

  it('gives the last words when it is closed', () => {
    appendFileSync(file, 'last\nwords');
    tail.close();
    expect(lines).toEqual(['last', 'words']);
    appendFileSync(file, 'more\n');
    look();
    expect(lines).toEqual(['last', 'words']);
  });
});
