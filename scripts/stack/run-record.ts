import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isRunning, type ProcessIdentity } from './process-identity';

/** Somebody else runs on this data folder; the message is one sentence. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

type Named = ProcessIdentity & { name: string };

interface Content {
  launcher: ProcessIdentity;
  children: Named[];
}

/** Longer than an app takes to close. */
const LEFTOVER_TIMEOUT_MS = 10_000;

function read(file: string): Content | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Content;
  } catch {
    return undefined;
  }
}

function signal(process_: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(process_.pid, name);
  } catch {
    // gone between the look and the signal
  }
}

async function endLeftovers(children: Named[], timeoutMs: number): Promise<string[]> {
  const left = children.filter(isRunning);
  left.forEach((child) => signal(child, 'SIGTERM'));
  for (const end = Date.now() + timeoutMs; Date.now() < end && left.some(isRunning);) await delay(30);
  left.filter(isRunning).forEach((child) => signal(child, 'SIGKILL'));
  return left.map((child) => child.name);
}

/** Which processes belong to a data folder, so that a second launcher keeps out and the next one tidies up after a killed one. */
export class RunRecord {
  private content: Content;

  private constructor(
    private readonly file: string,
    /** Names of processes that a killed launcher had left behind, and that are ended now. */
    readonly leftovers: string[],
  ) {
    this.content = { launcher: identify(process.pid) ?? { pid: process.pid, mark: '' }, children: [] };
    this.write();
  }

  /** @throws AlreadyRunningError */
  static async claim(dataDir: string, timeoutMs = LEFTOVER_TIMEOUT_MS): Promise<RunRecord> {
    const file = join(dataDir, 'running.json');
    const before = existsSync(file) ? read(file) : undefined;
    if (before && isRunning(before.launcher)) {
      throw new AlreadyRunningError(
        `Rovercast already runs on ${dataDir} (process ${before.launcher.pid}); stop it, or give another folder with --data-dir`,
      );
    }
    return new RunRecord(file, await endLeftovers(before?.children ?? [], timeoutMs));
  }

  add(name: string, pid: number): void {
    const identity = identify(pid);
    if (!identity) return;
    this.content.children.push({ name, ...identity });
    this.write();
  }

  remove(): void {
    rmSync(this.file, { force: true });
  }

  private write(): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(this.content), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}
