import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** One process for good: pids are used again, a pid with its start mark is not. */
export interface ProcessIdentity {
  pid: number;
  mark: string;
}

/** When a process began, as an opaque text; undefined when it is gone (or dead and not yet reaped). */
function startMark(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat')) {
      return (
        execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
      );
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
    return fields[0] === 'Z' ? undefined : fields[19]; // field 22 of proc(5): clock ticks after boot
  } catch {
    return undefined;
  }
}

/** The identity of a running process, or undefined. */
export function identify(pid: number): ProcessIdentity | undefined {
  const mark = startMark(pid);
  return mark === undefined ? undefined : { pid, mark };
}

/** Whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return startMark(identity.pid) === identity.mark;
}
