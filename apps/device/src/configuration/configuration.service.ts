import { Logger } from '@nestjs/common';
import type { ReplyCode, StreamProfile } from '@rovercast/contracts';
import { configure, type Configuration } from './configuration.rules';
import type { ConfigurationStore } from './configuration.store';

/** What the robot was told from afar, kept through restarts. */
export class ConfigurationService {
  private readonly log = new Logger(ConfigurationService.name);
  private readonly listeners: (() => void)[] = [];
  private current: Configuration;

  constructor(private readonly store: ConfigurationStore) {
    this.current = store.load();
  }

  get revision(): number {
    return this.current.revision;
  }

  get telemetrySeconds(): number {
    return this.current.telemetrySeconds;
  }

  /** What a camera makes where a wish names nothing. */
  profileOf(camera: string): StreamProfile | undefined {
    return Object.hasOwn(this.current.profiles, camera) ? this.current.profiles[camera] : undefined;
  }

  /** Calls back whenever another configuration is in force. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Takes an order; `accepted` means that it is on disk. */
  apply(change: Parameters<typeof configure>[1], cameras: string[]): [ReplyCode, string?] {
    const [next, code, reason] = configure(this.current, change, cameras);
    if (code !== 'accepted') return [code, reason];
    try {
      this.store.save(next);
    } catch (error) {
      const { code: problem } = error as NodeJS.ErrnoException;
      this.log.error({ msg: 'configuration not saved', reason: problem });
      return ['rejected', `the robot could not save it (${problem})`];
    }
    this.current = next;
    this.log.log({ msg: 'configured', revision: next.revision });
    for (const listener of this.listeners) listener();
    return ['accepted'];
  }
}
