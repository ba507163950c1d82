import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isRunning } from './process-identity';
import { RunRecord } from './run-record';

describe('record of a run', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'rovercast-run-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const sleeper = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const write = (content: object): void =>
    writeFileSync(join(folder, 'running.json'), JSON.stringify(content));

  it('keeps a second launcher out of the same folder, in one sentence', async () => {
    const record = await RunRecord.claim(folder);
    await expect(RunRecord.claim(folder)).rejects.toThrow(
      `Rovercast already runs on ${folder} (process ${process.pid}); stop it, or give another folder with --data-dir`,
    );
    record.remove();
    expect(existsSync(join(folder, 'running.json'))).toBe(false);
  });

  it('ends what a killed launcher left behind', async () => {
    const child = sleeper();
    const identity = identify(child.pid!)!;
    write({
      launcher: { pid: process.pid, mark: 'of another process' },
      children: [{ name: 'auth', ...identity }],
    });
    const record = await RunRecord.claim(folder);
    expect(record.leftovers).toEqual(['auth']);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(isRunning(identity)).toBe(false);
  });

  it('leaves a process alone that only has the pid of an old child', async () => {
    const child = sleeper();
    write({
      launcher: { pid: 2 ** 22 + 1, mark: '1' },
      children: [{ name: 'auth', pid: child.pid, mark: 'long ago' }],
    });
    expect((await RunRecord.claim(folder)).leftovers).toEqual([]);
    expect(isRunning(identify(child.pid!)!)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('starts over when the file is damaged', async () => {
    writeFileSync(join(folder, 'running.json'), '{"launcher"');
    expect((await RunRecord.claim(folder)).leftovers).toEqual([]);
  });
});
