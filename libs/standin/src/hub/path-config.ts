import { PathRefusedError } from '../auth/access.errors';
import { pathNameProblem } from './path-name.rules';

/** The part of a path's configuration that the stand-in acts on; every other key is kept and shown. */
export interface PathConfig {
  name: string;
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

/** Which configuration a path falls under: its own, then the holding pattern, then the catch-all. */
export class PathConfigs {
  private readonly named = new Map<string, PathConfig>();

  constructor(private readonly hold: HoldReaders | undefined) {}

  set(config: PathConfig): void {
    this.named.set(config.name, config);
  }

  remove(name: string): void {
    this.named.delete(name);
  }

  names(): string[] {
    return [...this.named.keys()];
  }

  /** The configuration for a path; PathRefusedError for an illegal name. */
  find(name: string): PathConfig {
    const own = this.named.get(name);
    if (own) return own;
    const problem = pathNameProblem(name);
    if (problem) throw new PathRefusedError(`invalid path name: ${problem} (${name})`);
    if (this.hold?.match.test(name)) {
      return publisherConfig(`~${this.hold.match.source}`, this.hold.startTimeoutMs, true);
    }
    return publisherConfig(CATCH_ALL, 0, false);
  }
}

function publisherConfig(name: string, startTimeoutMs: number, holdsReaders: boolean): PathConfig {
  return {
    name,
    source: 'publisher',
    sourceOnDemand: false,
    startTimeoutMs,
    closeAfterMs: 10_000,
    holdsReaders,
  };
}
