import { Worker } from 'node:worker_threads';

/** argon2id with OWASP's parameters (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Longer passwords are refused before anything is computed. */
export const PASSWORD_MAX_CHARS = 256;
export const PASSWORD_MIN_CHARS = 8;

/** The pool's queue is full: the caller should refuse and say when to come back. */
export class PasswordPoolFull extends Error {
  override readonly name = 'PasswordPoolFull';
}

/** Hash of a password that nobody has: checking against it costs what checking a real one costs. */
const NOBODY =
  '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$3dEUXw5fPqNCTzUe8MzWUBZx5iYHYBNZfZSdX8UyUXA';

/**
 * A worker with the synchronous functions of @node-rs/argon2. Its asynchronous ones run on libuv's pool, where 200 of them
 * delay DNS and file reads for seconds.
 */
const WORKER_SOURCE = `
  const { parentPort, workerData } = require('node:worker_threads');
  const argon2 = require(workerData.module);
  parentPort.on('message', ({ job, hash, password, options }) => {
    try {
      const result = hash === null ? argon2.hashSync(password, options) : argon2.verifySync(hash, password);
      parentPort.postMessage({ job, result });
    } catch (error) {
      parentPort.postMessage({ job, error: String(error && error.message) });
    }
  });
`;

interface Job {
  hash: string | null;
  password: string;
  resolve: (result: string | boolean) => void;
  reject: (error: Error) => void;
}

/** Hashes and checks passwords in threads of its own, a few at once, with a bounded queue. */
export class PasswordPool {
  private readonly idle: Worker[] = [];
  private readonly running = new Map<Worker, Job>();
  private readonly queue: Job[] = [];
  private closed = false;

  /**
   * @param threads computed at once
   * @param maxQueue waiting at most; beyond that callers are refused
   */
  constructor(
    private readonly threads = 2,
    private readonly maxQueue = 20,
  ) {}

  get waiting(): number {
    return this.queue.length;
  }

  /** @throws PasswordPoolFull */
  async hash(password: string): Promise<string> {
    return (await this.run(null, password)) as string;
  }

  /**
   * Whether the password belongs to the hash; with no hash the same work is done and the answer is no.
   * @throws PasswordPoolFull
   */
  async verify(hash: string | null, password: string): Promise<boolean> {
    if (password.length > PASSWORD_MAX_CHARS) return false;
    const matches = (await this.run(hash ?? NOBODY, password)) as boolean;
    return hash !== null && matches;
  }

  async close(): Promise<void> {
    this.closed = true;
    const workers = [...this.idle, ...this.running.keys()];
    const jobs = [...this.running.values(), ...this.queue.splice(0)];
    for (const job of jobs) job.reject(new PasswordPoolFull('closing'));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  private run(hash: string | null, password: string): Promise<string | boolean> {
    if (this.closed || this.queue.length >= this.maxQueue)
      return Promise.reject(new PasswordPoolFull('too many at once'));
    return new Promise((resolve, reject) => {
      this.queue.push({ hash, password, resolve, reject });
      this.next();
    });
  }

  private next(): void {
    if (this.queue.length === 0) return;
    const worker = this.idle.pop() ?? (this.running.size < this.threads ? this.hire() : undefined);
    if (!worker) return;
    const job = this.queue.shift() as Job;
    this.running.set(worker, job);
    worker.ref();
    worker.postMessage({ hash: job.hash, password: job.password, options: ARGON2 });
  }

  private hire(): Worker {
    const worker = new Worker(WORKER_SOURCE, {
      eval: true,
      workerData: { module: require.resolve('@node-rs/argon2') },
    });
    worker.on('message', ({ result, error }: { result?: string | boolean; error?: string }) => {
      const job = this.running.get(worker);
      this.running.delete(worker);
      worker.unref();
      this.idle.push(worker);
      if (error !== undefined) job?.reject(new Error(`password check failed: ${error}`));
      else job?.resolve(result as string | boolean);
      this.next();
    });
    worker.on('error', (error) => this.dismiss(worker, error));
    worker.on('exit', () => this.dismiss(worker, new Error('the password thread ended')));
    return worker;
  }

  /** A thread that is gone takes its job with it, and gets no other. */
  private dismiss(worker: Worker, why: Error): void {
    const place = this.idle.indexOf(worker);
    if (place >= 0) this.idle.splice(place, 1);
    this.running.get(worker)?.reject(why);
    this.running.delete(worker);
    this.next();
  }
}
