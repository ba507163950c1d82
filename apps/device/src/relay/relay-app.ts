import { Controller, Get, Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHttpApp, HealthModule, MetricsModule } from '@rovercast/platform';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Relay, type RelayState } from './relay';
import type { RelaySettings } from './relay.settings';
import { parsePortRange, parseRelayKeys, parseRelays } from './relays.rules';

const RELAYS = Symbol('relays');

interface RelayView {
  robotId: string;
  port: number;
  path: string;
  state: RelayState;
  starts: number;
  lastProblem: string | null;
}

/** Keeps the relays: all listen from the start to the end of the app. */
@Injectable()
class RelayService implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(RELAYS) private readonly relays: Relay[]) {}

  onApplicationBootstrap(): void {
    for (const relay of this.relays) relay.listen();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.close()));
  }

  list(): RelayView[] {
    return this.relays.map(({ plan, state, starts, lastProblem }) => ({
      ...plan,
      state,
      starts,
      lastProblem,
    }));
  }
}

@Controller('relays')
class RelayController {
  constructor(private readonly relays: RelayService) {}

  /** What each relay does. */
  @Get()
  list(): { items: RelayView[] } {
    return { items: this.relays.list() };
  }
}

@Module({})
class RelayModule {
  static with(relays: Relay[]): DynamicModule {
    return {
      module: RelayModule,
      imports: [
        MetricsModule,
        HealthModule.with({
          inject: [],
          checks: () => ({
            ports: () => {
              const blocked = relays.filter(({ state }) => state === 'blocked');
              if (blocked.length > 0) throw new Error(`${blocked.length} ports are taken`);
            },
          }),
        }),
      ],
      controllers: [RelayController],
      providers: [{ provide: RELAYS, useValue: relays }, RelayService],
    };
  }
}

/**
 * The relay for robots that send RTP over UDP, from its settings; not yet listening for HTTP. `close()` ends every FFmpeg.
 * @throws Error when there is no FFmpeg
 */
export async function createRelayApp(settings: RelaySettings): Promise<NestFastifyApplication> {
  const path = settings.ffmpegPath ?? 'ffmpeg';
  if (!(await runs(path, ['-version']))) throw new Error(`FFmpeg does not run (${path}); set FFMPEG_PATH`);
  const ffmpeg = { path, setpriv: await runs('setpriv', ['--pdeathsig', 'KILL', 'true']) };
  const folder = mkdtempSync(join(tmpdir(), 'rovercast-relay-'));
  const keys = parseRelayKeys(settings.relayKeys);
  const relays = parseRelays(settings.relays, parsePortRange(settings.relayPorts)).map(
    (plan) =>
      new Relay(plan, {
        host: settings.relayHost,
        mediaUrl: settings.relayMediaUrl,
        key: keys.get(plan.robotId) as string,
        ffmpeg,
        folder,
        silenceMs: settings.relaySilenceSeconds * 1000,
      }),
  );
  const app = await createHttpApp(RelayModule.with(relays), { name: 'relay', logLevel: settings.logLevel });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onClose', (_, done) => {
      rmSync(folder, { recursive: true, force: true });
      done();
    });
  return app;
}

const PROBE_TIMEOUT_MS = 10_000;

const runs = (file: string, args: string[]): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(file, args, { timeout: PROBE_TIMEOUT_MS }, (error) => resolve(error === null));
  });
