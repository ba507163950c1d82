import { fork, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { notable } from './log-lines.rules';
import { LogTail } from './log-tail';
import { boundToUs } from './parent-death';

export interface Child {
  name: string;
  pid: number;
  logFile: string;
  /** Resolves when the process says that it is ready; rejects with one sentence when it ends first. */
  ready: Promise<void>;
  /** Resolves with a word on how it ended. */
  ended: Promise<string>;
  /** SIGTERM, and SIGKILL when that has not helped. */
  stop(): Promise<void>;
}

export interface Surroundings {
  logDir: string;
  /** Shows a warning or an error of a child to the person at the terminal. */
  show(name: string, text: string): void;
}

const READY_TIMEOUT_MS = 60_000;
/** Longer than `runProcess` of libs/platform gives an app to close. */
const STOP_TIMEOUT_MS = 9_000;

/** The path of a log file that begins empty; what the run before wrote is in `<name>.log.1`. */
export function freshLog(logDir: string, name: string): string {
  mkdirSync(logDir, { recursive: true });
  const file = join(logDir, `${name}.log`);
  if (existsSync(file)) renameSync(file, `${file}.1`);
  return file;
}

/** Starts a process that writes its log itself, and shows of it what is worth a look. */
function launch(
  name: string,
  around: Surroundings,
  start: (log: number) => ChildProcess,
  readiness: (child: ChildProcess) => Promise<unknown>,
): Child {
  const logFile = freshLog(around.logDir, name);
  const descriptor = openSync(logFile, 'a', 0o600);
  const tail = new LogTail(logFile, (line) => {
    const text = notable(line);
    if (text !== undefined) around.show(name, text);
  });
  const child = start(descriptor);
  closeSync(descriptor);
  const ready = readiness(child);
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(signal ? `was killed by ${signal}` : `ended with exit code ${code}`),
    );
  }).then((how) => {
    over = true;
    tail.close();
    return how;
  });
  const readyInTime = Promise.race([
    ready,
    ended.then((how) => Promise.reject(new Error(`${name} ${how} before it was ready; see ${logFile}`))),
    delay(READY_TIMEOUT_MS, undefined, { ref: false }).then(() =>
      Promise.reject(new Error(`${name} was not ready within ${READY_TIMEOUT_MS / 1000} s; see ${logFile}`)),
    ),
  ]).then(() => undefined);
  readyInTime.catch(() => {}); // whoever waits for it hears of it
  return {
    name,
    pid: child.pid ?? 0,
    logFile,
    ready: readyInTime,
    ended,
    stop: async () => {
      if (over) return;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

/**
 * Starts one of our apps: it reports `{ready: true}` over IPC, and goes when that channel closes. Its group is its own, so
 * that Ctrl-C in the terminal reaches it through us, in order.
 */
export function startApp(
  name: string,
  script: string,
  environment: NodeJS.ProcessEnv,
  around: Surroundings,
): Child {
  return launch(
    name,
    around,
    (log) => fork(script, [], { env: environment, stdio: ['ignore', log, log, 'ipc'], detached: true }),
    (child) =>
      new Promise<void>((resolve) => {
        child.on('message', (message: { ready?: boolean } | null) => {
          if (message?.ready === true) resolve();
        });
      }),
  );
}

/** Starts a foreign program, which dies with us where the kernel can see to it. */
export function startProgram(
  name: string,
  command: { program: string; args: string[]; environment: NodeJS.ProcessEnv; cwd: string },
  isReady: () => Promise<unknown>,
  around: Surroundings,
): Child {
  const [program, args] = boundToUs(command.program, command.args, 'TERM');
  return launch(
    name,
    around,
    (log) =>
      spawn(program, args, {
        env: command.environment,
        cwd: command.cwd,
        stdio: ['ignore', log, log],
        detached: true,
      }),
    isReady,
  );
}
