import { PathRefusedError } from '../auth/access.errors';
import { pathNameProblem } from './path-name.rules';

/** The part of a path's configuration that the stand-in acts on. */
export interface PathConfig {
  /** A path's name, or `~` and a pattern. */
  name: string;
  /** `publisher` or the URL to pull, where `$G1` stands for what the pattern captured. */
  source: string;
  sourceOnDemand: boolean;
  startTimeoutMs: number;
  closeAfterMs: number;
  /** Readers of an idle path wait for a publisher, as with `runOnDemand`. */
  holdsReaders: boolean;
}

export interface HoldReaders {
  match: RegExp;
  startTimeoutMs: number;
}

const CATCH_ALL = 'all_others';
const DEFAULT_TIMEOUT_MS = 10_000;

/** Which configuration a path falls under: its own, then patterns by name, then the catch-all. */
export class PathConfigs {
  private readonly named = new Map<string, PathConfig>();
  private readonly patterns = new Map<string, { match: RegExp; config: PathConfig }>();

  constructor(hold: HoldReaders | undefined) {
    if (!hold) return;
    const config = publisherConfig(patternName(hold.match), hold.startTimeoutMs, true);
    this.patterns.set(config.name, { match: hold.match, config });
  }

  set(config: PathConfig): void {
    if (config.name.startsWith('~')) {
      this.patterns.set(config.name, { match: new RegExp(config.name.slice(1)), config });
    } else this.named.set(config.name, config);
  }

  remove(name: string): void {
    this.named.delete(name);
    this.patterns.delete(name);
  }

  /** The paths that exist whether or not somebody is there. */
  names(): string[] {
    return [...this.named.keys()];
  }

  /** The configuration for a path, with its source filled in; PathRefusedError for an illegal name. */
  find(name: string): PathConfig {
    const own = this.named.get(name);
    if (own) return own;
    const problem = pathNameProblem(name);
    if (problem) throw new PathRefusedError(`invalid path name: ${problem} (${name})`);
    for (const key of [...this.patterns.keys()].sort()) {
      const pattern = this.patterns.get(key);
      const groups = pattern?.match.exec(name);
      if (pattern && groups) return { ...pattern.config, source: filledIn(pattern.config.source, groups) };
    }
    return publisherConfig(CATCH_ALL, DEFAULT_TIMEOUT_MS, false);
  }
}

/** A pattern's name: `~` and the pattern, whose slashes need no escape in Go. */
export function patternName(match: RegExp): string {
  return `~${match.source.replaceAll('\\/', '/')}`;
}

/** Whether a path may stay as it is when its configuration becomes another one (core/path_manager.go:247). */
export function actsAlike(a: PathConfig, b: PathConfig): boolean {
  return JSON.stringify({ ...a, name: '' }) === JSON.stringify({ ...b, name: '' });
}

function filledIn(source: string, groups: RegExpExecArray): string {
  return source.replace(/\$G(\d+)/g, (_all, index: string) => groups[Number(index)] ?? '');
}

function publisherConfig(name: string, startTimeoutMs: number, holdsReaders: boolean): PathConfig {
  return {
    name,
    source: 'publisher',
    sourceOnDemand: false,
    startTimeoutMs,
    closeAfterMs: DEFAULT_TIMEOUT_MS,
    holdsReaders,
  };
}
