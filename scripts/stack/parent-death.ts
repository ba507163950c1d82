import { execFileSync } from 'node:child_process';

let available: boolean | undefined;

function hasSetpriv(): boolean {
  if (available !== undefined) return available;
  try {
    execFileSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' });
    available = true;
  } catch {
    available = false;
  }
  return available;
}

/**
 * The command line under which the kernel sends a signal to a program once we are gone, however we went (kill -9
 * included). Where util-linux' setpriv is missing the command stays as it is.
 */
export function boundToUs(
  program: string,
  args: string[],
  signal: 'INT' | 'TERM' | 'KILL',
): [string, string[]] {
  return hasSetpriv() ? ['setpriv', ['--pdeathsig', signal, '--', program, ...args]] : [program, args];
}
