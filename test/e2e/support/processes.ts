import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessInfo {
  pid: number;
  parent: number;
  argv: string;
}

/** The processes of this machine, from /proc (Linux). */
export function processes(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z') return [];
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), parent: Number(parent), argv }];
      } catch {
        return [];
      }
    });
}

/** A process and everything below it. */
export function familyOf(pid: number): ProcessInfo[] {
  const all = processes();
  const family = all.filter((one) => one.pid === pid);
  for (let index = 0; index < family.length; index += 1) {
    family.push(...all.filter((one) => one.parent === family[index].pid));
  }
  return family;
}

export const isAlive = (pid: number): boolean => processes().some((one) => one.pid === pid);
