// The bench's own child processes: jobs in, results out over IPC. They go when the bench goes.
import { fork } from 'node:child_process';
import { once } from 'node:events';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 9_000;

/** Resolves with the first message that has `ready`, or rejects when the process ends first or takes too long. */
export function untilReady(child, name) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`${name} was not ready within ${READY_TIMEOUT_MS / 1000} s`)),
      READY_TIMEOUT_MS,
    );
    child.on('message', (message) => {
      if (!message?.ready) return;
      clearTimeout(late);
      resolve(message);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      reject(new Error(`${name} ended before it was ready (${signal ?? `exit code ${code}`})`));
    });
  });
}

/** SIGTERM, and SIGKILL when that has not helped. */
export async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}

/** A child that runs `serve`; `ask` sends it one job and waits for its result. */
export async function startHelper(script, settings = {}) {
  const name = script.split('/').at(-1);
  const child = fork(script, [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const waiting = new Map();
  let nextId = 0;
  child.on('message', ({ id, result, error }) => {
    const job = waiting.get(id);
    waiting.delete(id);
    if (error !== undefined) job?.reject(new Error(`${name}: ${error}`));
    else job?.resolve(result);
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended in the middle of a job`));
  });
  const ready = untilReady(child, name);
  child.send({ settings });
  const facts = await ready;
  return {
    ...facts,
    pid: child.pid,
    ask: (job) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        child.send({ id, job });
      }),
    stop: () => stopChild(child),
  };
}

/** In the child: `start(settings)` answers the facts to report and what does the jobs. */
export function serve(start) {
  process.once('disconnect', () => process.exit(0));
  process.once('message', async ({ settings }) => {
    const { facts = {}, perform = () => undefined } = await start(settings);
    process.on('message', async ({ id, job }) => {
      try {
        process.send({ id, result: await perform(job) });
      } catch (error) {
        process.send({ id, error: error.message });
      }
    });
    process.send({ ready: true, ...facts });
  });
}
