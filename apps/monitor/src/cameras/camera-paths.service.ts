import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { assertNever } from '@rovercast/contracts';
import { PostgresListener } from '@rovercast/database';
import { cameraPath, Cameras } from '@rovercast/directory';
import { MediaMtxClient } from '@rovercast/mediamtx';
import { Counter, Gauge, Registry } from 'prom-client';
import { MonitorSettings } from '../monitor.settings';
import { PollLoop } from '../poll/poll.loop';
import { PathConfigsClient } from './path-configs.client';
import { pathsToRepair, pulledPath, type Repair } from './repair.rules';

/** How often the media server's configuration is looked at: what it forgot is back within this and one call, in milliseconds. */
const LOOK_EVERY_MS = 5_000;

/** Pause after a look that failed: the media server may be on its way back, in milliseconds. */
const RETRY_MS = 2_000;

/**
 * Keeps the paths of cameras on the media server in line with the table: at once when the table changes, and soon after the
 * media server has restarted or read its file anew, which makes it forget them.
 */
@Injectable()
export class CameraPathsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('CameraPaths');
  private readonly loop: PollLoop;
  private readonly listener: PostgresListener;
  private readonly repairs: Counter;
  private failing = '';
  private closed = false;
  private unreadable = 0;

  constructor(
    private readonly cameras: Cameras,
    private readonly media: MediaMtxClient,
    private readonly configs: PathConfigsClient,
    private readonly settings: MonitorSettings,
    registry: Registry,
  ) {
    const unreadable = (): number => this.unreadable;
    this.repairs = new Counter({
      name: 'camera_path_repairs_total',
      help: 'Changes of the paths of cameras on the media server, by why they were made and how they ended',
      labelNames: ['why', 'result'],
      registers: [registry],
    });
    new Gauge({
      name: 'camera_sources_unreadable',
      help: 'Cameras whose source was sealed with another secret: they are not pulled until it is set anew',
      registers: [registry],
      collect() {
        this.set(unreadable());
      },
    });
    this.loop = new PollLoop({
      run: () => this.look(),
      retryMs: RETRY_MS,
      onError: (error) =>
        this.log.error({ msg: 'cameras are not looked after', error: (error as Error).message }),
    });
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'monitor-cameras',
      channels: ['cameras_changed'],
      onNotify: () => this.loop.hurry(),
      onConnect: () => this.loop.hurry(),
      onError: (error) => this.log.warn({ msg: 'camera listener lost its connection', error: error.message }),
    });
  }

  onApplicationBootstrap(): void {
    if (this.settings.authSecret === undefined) {
      this.log.warn({ msg: 'cameras are not pulled: AUTH_SECRET is not set' });
      return;
    }
    this.listener.start();
    this.loop.hurry();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    await Promise.all([this.loop.close(), this.listener.close()]);
  }

  /** One look with all that follows from it; a failure is part of life here and only makes the next look come sooner. */
  private async look(): Promise<number> {
    try {
      const { wanted, gone } = await this.cameras.sources();
      this.countUnreadable(wanted.filter(({ url }) => url === undefined).map(({ id }) => id));
      if (wanted.length + gone.length === 0) return LOOK_EVERY_MS;
      const repairs = pathsToRepair(
        wanted.map(({ id, url }) => ({
          name: cameraPath(id),
          config: url === undefined ? undefined : pulledPath(url),
        })),
        gone.map(cameraPath),
        await this.configs.list(),
      );
      const failures: string[] = [];
      for (const repair of repairs) {
        if (this.closed) break;
        failures.push(...(await this.perform(repair)));
      }
      this.tell(failures.at(0) ?? '', failures.length);
      return failures.length === 0 ? LOOK_EVERY_MS : RETRY_MS;
    } catch (error) {
      this.tell((error as Error).message, 1);
      return RETRY_MS;
    }
  }

  /** One camera that the media server will not take must not keep the others from it. @returns what went wrong */
  private async perform(repair: Repair): Promise<string[]> {
    const why = repair.do === 'set' ? repair.why : 'gone';
    try {
      await this.apply(repair);
      this.repairs.inc({ why, result: 'ok' });
      this.log.log({ msg: 'camera path brought in line', path: repair.name, reason: why });
      return [];
    } catch (error) {
      this.repairs.inc({ why, result: 'failed' });
      return [`${repair.name}: ${(error as Error).message}`];
    }
  }

  private apply(repair: Repair): Promise<void> {
    switch (repair.do) {
      case 'set':
        return this.media.replacePath(repair.name, { ...repair.config, rtspTransport: 'tcp' });
      case 'delete':
        return this.media.deletePath(repair.name);
      default:
        return assertNever(repair);
    }
  }

  /** The same trouble is told once, until it is over. */
  private tell(error: string, count: number): void {
    if (count > 0 && this.failing !== error) {
      this.log.warn({ msg: 'camera paths not brought in line', error, count });
    }
    this.failing = error;
  }

  private countUnreadable(ids: string[]): void {
    if (ids.length > this.unreadable) {
      this.log.error({
        msg: 'sources sealed with another AUTH_SECRET: set them anew',
        cameras: ids.slice(0, 10),
      });
    }
    this.unreadable = ids.length;
  }
}
