import type { ReplyCode, RobotConfiguration, StreamProfile } from '@rovercast/contracts';

/** What is in force, and which order said so. */
export interface Configuration {
  revision: number;
  /** Seconds between two telemetry events. */
  telemetrySeconds: number;
  /** By camera, where it differs from the robot's own default. */
  profiles: Record<string, StreamProfile>;
}

export const DEFAULT_CONFIGURATION: Configuration = { revision: 0, telemetrySeconds: 30, profiles: {} };

const KNOWN = ['profiles', 'telemetrySeconds'];

/** What an order to configure says, before and after unknown keys were dropped. */
interface Change {
  revision: number;
  /** As it came. */
  raw: object;
  config: RobotConfiguration;
}

/**
 * The configuration after an order, and the answer. An older revision changes nothing (`stale`), the same one neither (`noop`); an
 * unknown key or camera refuses the whole order, so that nobody believes in a setting that does not exist.
 */
export function configure(
  current: Configuration,
  { revision, raw, config }: Change,
  cameras: string[],
): [Configuration, ReplyCode, string?] {
  if (revision < current.revision) return [current, 'stale', `revision ${current.revision} is in force`];
  if (revision === current.revision) return [current, 'noop'];
  const unknownKey = Object.keys(raw).find((key) => !KNOWN.includes(key));
  if (unknownKey !== undefined) return [current, 'rejected', `unknown key ${unknownKey.slice(0, 64)}`];
  const foreign = config.profiles?.find(({ camera }) => !cameras.includes(camera));
  if (foreign) return [current, 'rejected', `unknown camera ${foreign.camera}`];
  const profiles = Object.fromEntries(
    (config.profiles ?? []).map(({ camera, profile }) => [camera, { ...profile }]),
  );
  const next: Configuration = {
    revision,
    telemetrySeconds: config.telemetrySeconds ?? current.telemetrySeconds,
    profiles: { ...current.profiles, ...profiles },
  };
  return [next, 'accepted'];
}
