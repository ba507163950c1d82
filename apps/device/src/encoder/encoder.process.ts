import type { EncoderStats } from '@rovercast/contracts';
import { scrub } from '@rovercast/platform';
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Backend } from './pipeline.rules';
import { readProgress } from './progress.rules';

/** What to run, and how long to be patient with it. */
export interface EncoderCommand {
  backend: Backend;
  file: string;
  args: string[];
  /** Tie its life to ours by `setpriv`; without it a small Node process stands between. */
  setpriv: boolean;
  timing?: Partial<typeof DEFAULT_TIMING>;
}

export interface EncoderExit {
  exitCode: number | null;
  stalled: boolean;
  /** Its last words, scrubbed. */
  lines: string[];
}

export interface EncoderListeners {
  /** The first frame is encoded. */
  live(): void;
  exit(exit: EncoderExit): void;
}

/** One encoder at work. */
export interface Encoder {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** What it measured last. */
  readonly stats: EncoderStats;
  /** Asks it to end; `exit` follows. */
  stop(): void;
}

const DEFAULT_TIMING = {
  /** No frame for this long: it hangs. */
  stallMs: 10_000,
  /** After the hang was met with SIGTERM. */
  stallKillMs: 5_000,
  /** From being told to stop to SIGKILL. */
  stopKillMs: 1_500,
};

const LINES_KEPT = 20;
const LINE_MAX_CHARS = 400;

/**
 * Stands between us and the encoder where the kernel cannot tie their lives: ends the whole group when our end of its standard
 * input closes, which happens however we die.
 */
const WATCHDOG = `
const { spawn } = require('node:child_process');
const [file, ...args] = process.argv.slice(1);
const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => { console.error(error.message); process.exit(127); });
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 128 : 1)));
process.on('SIGTERM', () => child.kill('SIGTERM'));
process.on('SIGINT', () => child.kill('SIGINT'));
process.stdin.on('end', () => process.kill(-process.pid, 'SIGKILL')).resume();
`;

/** One encoder in a process group of its own. It ends when told, when it hangs, and when this process dies, even of SIGKILL. */
export class EncoderProcess implements Encoder {
  private readonly child: ChildProcess;
  private readonly timing: typeof DEFAULT_TIMING;
  private readonly lines: string[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private stallTimer: NodeJS.Timeout | undefined;
  private position = 0;
  private stalled = false;
  private ended = false;
  /** What it measured last. */
  stats: EncoderStats = {};

  constructor(
    private readonly command: EncoderCommand,
    private readonly on: EncoderListeners,
  ) {
    this.timing = { ...DEFAULT_TIMING, ...command.timing };
    const { file, args } = tied(command);
    this.child = spawn(file, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin?.on('error', () => {});
    this.child.on('error', (error) => this.finish(null, error.message));
    this.child.on('close', (exitCode) => this.finish(exitCode));
    this.readLines(this.child.stderr, (line) => this.remember(line));
    this.readLines(this.child.stdout, (line) => this.takeOutput(line));
    this.watch();
  }

  /** Of the group's leader, which is the encoder itself under `setpriv`. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Asks it to end, and ends its whole group if it does not within `stopKillMs`. `exit` follows. */
  stop(): void {
    if (this.ended) return;
    clearTimeout(this.stallTimer);
    this.signal(this.command.backend === 'gstreamer' ? 'SIGINT' : 'SIGTERM');
    this.after(this.timing.stopKillMs, () => this.signal('SIGKILL'));
  }

  private readLines(stream: Readable | null, take: (line: string) => void): void {
    if (stream) createInterface({ input: stream }).on('line', take);
  }

  private remember(line: string): void {
    if (line.trim() === '') return;
    this.lines.push(scrub(line.slice(0, LINE_MAX_CHARS)));
    if (this.lines.length > LINES_KEPT) this.lines.shift();
  }

  private takeOutput(line: string): void {
    const progress = readProgress(this.command.backend, line);
    if (!progress) {
      if (this.command.backend === 'gstreamer') this.remember(line);
      return;
    }
    this.stats = { ...this.stats, ...progress.stats };
    if (progress.position !== undefined && progress.position > this.position) this.advance(progress.position);
  }

  private advance(position: number): void {
    const first = this.position === 0;
    this.position = position;
    this.watch();
    if (first && !this.ended) this.on.live();
  }

  private watch(): void {
    clearTimeout(this.stallTimer);
    if (this.ended || this.stalled) return;
    this.stallTimer = setTimeout(() => {
      this.stalled = true;
      this.remember(`no frame for ${this.timing.stallMs} ms`);
      this.signal('SIGTERM');
      this.after(this.timing.stallKillMs, () => this.signal('SIGKILL'));
    }, this.timing.stallMs);
  }

  private after(ms: number, act: () => void): void {
    this.timers.add(setTimeout(act, ms));
  }

  /** To the whole group: an encoder may have helpers. */
  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined || this.ended) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch {
      this.child.kill(signal);
    }
  }

  private finish(exitCode: number | null, problem?: string): void {
    if (this.ended) return;
    this.ended = true;
    if (problem) this.remember(problem);
    clearTimeout(this.stallTimer);
    for (const timer of this.timers) clearTimeout(timer);
    this.on.exit({ exitCode, stalled: this.stalled, lines: this.lines });
  }
}

function tied({ file, args, setpriv }: EncoderCommand): { file: string; args: string[] } {
  if (setpriv) return { file: 'setpriv', args: ['--pdeathsig', 'KILL', '--', file, ...args] };
  return { file: process.execPath, args: ['-e', WATCHDOG, '--', file, ...args] };
}
