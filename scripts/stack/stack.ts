import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { banner } from './banner';
import { startBroker, type RunningBroker } from './broker';
import { freshLog, startApp, type Child, type Surroundings } from './children';
import { choose, describeMediaServer, hintsFor, type Choice } from './choice';
import { APPS, appEnvironment, demoSeed, localUrl, withLogin, type AppName, type Plan } from './environments';
import { startMedia, type RunningMedia } from './media';
import type { Options } from './options';
import { PortReservations } from './port-reservations';
import { isFree } from './ports';
import { ensureDatabase, startPostgres, type RunningPostgres } from './postgres';
import { RunRecord } from './run-record';
import { compareSeeded, rememberSeeded, seededBy } from './seeded';
import { describeStack, removeStackFile, writeStackFile, type StackFile } from './stack-file';

/** Where things are, and how to speak to the person at the terminal. */
export interface Site {
  /** The checkout. */
  rootDir: string;
  environment: NodeJS.ProcessEnv;
  appScript(app: AppName): string;
  /** The auth app's command line, which makes the demo accounts. */
  seedScript: string;
  say(line: string): void;
}

const sinceMs = (start: number): number => Math.round(performance.now() - start);

/** All of Rovercast on this machine: brought up in order, taken down in reverse, all or nothing. */
export class Stack {
  /** Resolves with one sentence when a part ends that should not. */
  readonly failed: Promise<string>;

  private fail: (sentence: string) => void = () => {};
  private readonly closers: (() => Promise<void> | void)[] = [];
  private starting: Promise<unknown> = Promise.resolve();
  private stopping?: Promise<void>;
  private readonly runDir: string;
  private readonly dataDir: string;
  private readonly around: Surroundings;
  private record?: RunRecord;
  private readonly apps = new Map<AppName, Child>();

  constructor(
    private readonly options: Options,
    private readonly site: Site,
  ) {
    this.runDir = join(site.rootDir, '.run');
    this.dataDir = options.dataDir ?? join(this.runDir, 'data');
    this.around = {
      logDir: join(options.dataDir ?? this.runDir, 'logs'),
      show: (name, text) => site.say(`[${name}] ${text}`),
    };
    this.failed = new Promise((resolve) => (this.fail = resolve));
  }

  /** @throws Error with one sentence; call `stop` then too */
  async start(): Promise<StackFile> {
    const starting = this.bringUp(performance.now());
    this.starting = starting;
    return starting;
  }

  stop(): Promise<void> {
    this.fail('stopped');
    this.stopping ??= this.takeDown();
    return this.stopping;
  }

  private async bringUp(began: number): Promise<StackFile> {
    mkdirSync(this.dataDir, { recursive: true, mode: 0o700 });
    this.record = await RunRecord.claim(this.dataDir);
    this.closers.push(() => this.record?.remove());
    if (this.record.leftovers.length > 0) {
      this.site.say(`Ended what a killed run had left behind: ${this.record.leftovers.join(', ')}`);
    }
    const reservations = new PortReservations();
    this.closers.push(() => reservations.release());
    const choice = await choose(this.options, this.site.environment, {
      runDir: this.runDir,
      dataDir: this.dataDir,
      probe: async (...port) => (await isFree(...port)) && reservations.take(port[0]),
    });
    const foundation = await this.startFoundation(choice);
    await this.startApps(choice, foundation.database?.isNew ?? false);
    return this.announce(choice, foundation, sinceMs(began));
  }

  /** Database, broker and media server, side by side. */
  private async startFoundation(choice: Choice): Promise<{ database?: RunningPostgres }> {
    const began = performance.now();
    const { given } = choice;
    const [database, broker, media] = await Promise.allSettled([
      given.databaseUrl ? undefined : this.startDatabase(choice),
      given.mqttUrl ? undefined : this.startBroker(choice),
      given.mediaApiUrl ? undefined : this.startMediaServer(choice),
    ]);
    for (const part of [database, broker, media]) {
      if (part.status === 'rejected') throw part.reason;
    }
    this.assertWanted();
    this.site.say(`Database, broker and media server are up (${sinceMs(began)} ms)`);
    return { database: database.status === 'fulfilled' ? database.value : undefined };
  }

  private async startDatabase({ plan, moved }: Choice): Promise<RunningPostgres> {
    const logFile = freshLog(this.around.logDir, 'postgres');
    const server = await startPostgres({
      dataDir: join(this.dataDir, 'postgres'),
      port: plan.ports.postgres,
      password: plan.secrets.databasePassword,
      logFile,
    });
    this.closers.push(() => server.stop());
    void server.ended.then((how) => this.fail(`Postgres ended (${how}); its log is ${logFile}`));
    if (server.adopted) {
      const index = moved.findIndex(({ name }) => name === 'postgres');
      if (index >= 0) moved.splice(index, 1);
      this.site.say(`Took over the Postgres that a killed run had left behind (process ${server.pid})`);
    }
    plan.databaseUrl = await ensureDatabase(server, 'rovercast');
    return server;
  }

  private async startBroker({ plan }: Choice): Promise<RunningBroker> {
    const log = createWriteStream(freshLog(this.around.logDir, 'broker'), { mode: 0o600 });
    const broker = await startBroker({
      host: plan.host,
      port: plan.ports.mqtt,
      authnUrl: `${localUrl(plan.ports.auth)}/mqtt/authn`,
      hookSecret: plan.secrets.brokerHookSecret,
      log: (line) => log.write(`${new Date().toISOString()} ${line}\n`),
    });
    this.closers.push(() => broker.close());
    return broker;
  }

  private async startMediaServer({ plan, server }: Choice): Promise<RunningMedia> {
    const authUrl = `${localUrl(plan.ports.auth)}/mediamtx/auth`;
    const options = {
      host: plan.host,
      publicHost: plan.publicHost,
      ports: plan.ports,
      authUrl: withLogin(authUrl, 'media', plan.secrets.mediaHookSecret),
      ffmpegPath: plan.ffmpegPath,
      configFile: join(this.site.rootDir, 'mediamtx', 'mediamtx.yml'),
      workDir: this.dataDir,
      environment: this.site.environment,
    };
    const media = await startMedia(server, options, this.around);
    this.closers.push(() => media.close());
    if (media.child) this.watch(media.child);
    return media;
  }

  private async startApps(choice: Choice, isNewDatabase: boolean): Promise<void> {
    const { plan, given } = choice;
    this.closers.push(() => this.stopApps());
    const now = seededBy(this.site.appScript('auth'), given.databaseUrl);
    const before = compareSeeded(this.dataDir, now);
    const auth = this.startApp('auth', plan);
    if (!before.isMigrated || isNewDatabase) await this.orFailure(auth.ready);
    if (before.needsAccounts || isNewDatabase) await this.orFailure(this.seed(plan));
    rememberSeeded(this.dataDir, now);
    const gateway = this.startApp('gateway', plan);
    await this.orFailure(auth.ready); // the others knock at its door at once
    const rest = [this.startApp('monitor', plan)];
    if (this.options.robot) rest.push(this.startApp('device', plan));
    await this.orFailure(Promise.all([gateway, ...rest].map((app) => app.ready)));
  }

  private startApp(name: AppName, plan: Plan): Child {
    const script = this.site.appScript(name);
    const app = startApp(name, script, appEnvironment(name, plan, this.site.environment), this.around);
    this.apps.set(name, app);
    this.watch(app);
    void app.ready.then(
      () => this.site.say(`${name} is ready`),
      () => {},
    );
    return app;
  }

  /** Whoever uses another goes before it. */
  private async stopApps(): Promise<void> {
    for (const name of [...APPS].reverse()) await this.apps.get(name)?.stop();
  }

  private watch(child: Child): void {
    this.record?.add(child.name, child.pid);
    void child.ended.then((how) => this.fail(`${child.name} ${how}; its log is ${child.logFile}`));
  }

  private async seed(plan: Plan): Promise<void> {
    this.site.say('Making the demo accounts');
    const child = spawn(process.execPath, [this.site.seedScript, 'seed'], {
      env: appEnvironment('auth', plan, this.site.environment),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
    child.stdin.on('error', () => {}); // it ended early; its exit code says so
    child.stdin.end(JSON.stringify(demoSeed(plan)));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new Error(`the demo accounts could not be made: ${complaint.trim() || `exit code ${code}`}`);
  }

  private announce(choice: Choice, { database }: { database?: RunningPostgres }, tookMs: number): StackFile {
    const { plan, given, server, moved } = choice;
    const stack = describeStack(plan, given.mediaApiUrl ? 'mediamtx' : server.kind, this.options.robot);
    const files = [join(this.runDir, 'stack.json')];
    if (this.options.dataDir) files.push(join(this.options.dataDir, 'stack.json'));
    for (const file of files) {
      writeStackFile(file, stack);
      this.closers.push(() => removeStackFile(file, stack));
    }
    const facts = {
      stack,
      moved,
      tookMs,
      srtUrl: plan.media.srtUrl,
      flvUrl: plan.media.flvUrl,
      mediaServer: describeMediaServer(choice),
      database: database ? `embedded Postgres on port ${database.port}` : 'the given one (DATABASE_URL)',
      broker: given.mqttUrl ? 'the given one (MQTT_URL)' : 'embedded, MQTT 3.1.1',
      ffmpegPath: plan.ffmpegPath,
      dataDir: this.dataDir,
      logDir: this.around.logDir,
      hints: hintsFor(choice, join(this.dataDir, 'secrets.json')),
    };
    this.site.say(banner(facts));
    return stack;
  }

  /** Waits for something, but no longer than nothing has failed and nobody has asked us to stop. */
  private orFailure<T>(work: Promise<T>): Promise<T> {
    const failure = this.failed.then((sentence) => Promise.reject(new Error(sentence)));
    return Promise.race([work, failure]);
  }

  private assertWanted(): void {
    if (this.stopping) throw new Error('stopped');
  }

  private async takeDown(): Promise<void> {
    await this.starting.catch(() => {});
    for (const close of this.closers.reverse()) {
      try {
        await close();
      } catch (error) {
        this.site.say(`while stopping: ${(error as Error).message}`);
      }
    }
  }
}
