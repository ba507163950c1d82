import { parseAs, RobotConfiguration } from '@rovercast/contracts';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../settings/atomic-file';
import { DEFAULT_CONFIGURATION, type Configuration } from './configuration.rules';

/** The configuration on disk: one file that is always whole. */
export class ConfigurationStore {
  private readonly file: string;

  constructor(
    private readonly stateDir: string,
    robotId: string,
  ) {
    this.file = join(stateDir, `${robotId}.configuration.json`);
  }

  /** What was saved last; the default when nothing was, or it cannot be read. */
  load(): Configuration {
    try {
      const saved = JSON.parse(readFileSync(this.file, 'utf8')) as Configuration;
      const { profiles, telemetrySeconds } = parseAs(RobotConfiguration, {
        telemetrySeconds: saved.telemetrySeconds,
        profiles: Object.entries(saved.profiles).map(([camera, profile]) => ({ camera, profile })),
      });
      if (!Number.isSafeInteger(saved.revision) || saved.revision < 0) return DEFAULT_CONFIGURATION;
      return {
        revision: saved.revision,
        telemetrySeconds: telemetrySeconds ?? DEFAULT_CONFIGURATION.telemetrySeconds,
        profiles: Object.fromEntries((profiles ?? []).map(({ camera, profile }) => [camera, { ...profile }])),
      };
    } catch {
      return DEFAULT_CONFIGURATION;
    }
  }

  /** On disk when it returns. @throws Error of the file system */
  save(configuration: Configuration): void {
    mkdirSync(this.stateDir, { recursive: true, mode: 0o700 });
    writeFileAtomically(this.file, `${JSON.stringify(configuration)}\n`);
  }
}
