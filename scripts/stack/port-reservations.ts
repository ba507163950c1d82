import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isRunning, type ProcessIdentity } from './process-identity';

/**
 * Ports that launchers on this machine have chosen and that nobody listens on yet: two systems that start side by side would
 * choose the same. One file per port, with its owner; what a dead owner left behind does not count.
 */
export class PortReservations {
  private readonly taken = new Set<number>();
  private readonly self = JSON.stringify(identify(process.pid) ?? { pid: process.pid, mark: '' });

  constructor(private readonly folder = join(tmpdir(), `rovercast-ports-${process.getuid?.() ?? 'all'}`)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Whether the port is ours from now on. */
  take(port: number): boolean {
    const mine = this.fileOf(`${port}.${process.pid}`);
    writeFileSync(mine, this.self);
    try {
      if (this.isHeldByAnother(port)) return false;
      rmSync(this.fileOf(port), { force: true });
      linkSync(mine, this.fileOf(port)); // fails when another was faster
      this.taken.add(port);
      return true;
    } catch {
      return false;
    } finally {
      rmSync(mine, { force: true });
    }
  }

  release(): void {
    for (const port of this.taken) rmSync(this.fileOf(port), { force: true });
    this.taken.clear();
  }

  private fileOf(name: number | string): string {
    return join(this.folder, String(name));
  }

  private isHeldByAnother(port: number): boolean {
    try {
      const text = readFileSync(this.fileOf(port), 'utf8');
      return (text !== this.self || this.taken.has(port)) && isRunning(JSON.parse(text) as ProcessIdentity);
    } catch {
      return false;
    }
  }
}
