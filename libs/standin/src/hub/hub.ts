import { PathRefusedError } from '../auth/access.errors';
import { MediaPath, type OnDemandSource, type PathMember, type PullTarget } from './media-path';
import type { MediaStream } from './media-stream';
import { actsAlike, type PathConfigs } from './path-config';

/** Starts the pull of a configured source; set by the protocol that can. */
export type PullFactory = (source: string, target: PullTarget) => OnDemandSource;

/** All paths. Whoever calls has been let in by the gate. */
export class Hub {
  private readonly paths = new Map<string, MediaPath>();
  private makePull: PullFactory | undefined;

  constructor(private readonly configs: PathConfigs) {}

  usePulls(make: PullFactory): void {
    this.makePull = make;
  }

  list(): MediaPath[] {
    return [...this.paths.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): MediaPath | undefined {
    return this.paths.get(name);
  }

  /** Starts publishing; PathRefusedError when the path pulls its source. */
  publish(name: string, source: PathMember, stream: MediaStream): void {
    const config = this.configs.find(name);
    if (config.source !== 'publisher') {
      throw new PathRefusedError(`can't publish to path '${name}' since 'source' is not 'publisher'`);
    }
    this.open(name).publish(source, stream);
  }

  unpublish(name: string, source: PathMember): void {
    this.paths.get(name)?.unpublish(source);
    this.sweep(name);
  }

  /** The path's stream; waits where the path waits for publishers. */
  async describe(name: string, signal?: AbortSignal): Promise<MediaStream> {
    try {
      return await this.open(name).awaitStream(signal);
    } finally {
      this.sweep(name);
    }
  }

  /** The same, and the reader is on the path until `leave`. */
  async read(name: string, reader: PathMember, signal?: AbortSignal): Promise<MediaStream> {
    const path = this.open(name);
    try {
      const stream = await path.awaitStream(signal);
      if (path.stream !== stream) throw new PathRefusedError('terminated');
      path.addReader(reader);
      return stream;
    } finally {
      this.sweep(name);
    }
  }

  leave(name: string, reader: PathMember): void {
    this.paths.get(name)?.removeReader(reader);
    this.sweep(name);
  }

  /** Applies configurations that changed: a path that would act differently is closed and starts anew. */
  reconfigure(): void {
    for (const path of [...this.paths.values()]) {
      const config = this.configs.find(path.name);
      if (actsAlike(path.config, config)) {
        path.config = config;
        this.sweep(path.name);
        continue;
      }
      this.paths.delete(path.name);
      path.close('configuration changed');
    }
    for (const name of this.configs.names()) this.open(name);
  }

  close(): void {
    for (const path of this.paths.values()) path.close('terminated');
    this.paths.clear();
  }

  private open(name: string): MediaPath {
    const known = this.paths.get(name);
    if (known) return known;
    const config = this.configs.find(name);
    const path = new MediaPath(name, config);
    this.paths.set(name, path);
    if (config.source !== 'publisher' && this.makePull) {
      path.usePull(this.makePull(config.source, path));
    }
    return path;
  }

  /** Paths of pattern configurations exist only while somebody is on them. */
  private sweep(name: string): void {
    const path = this.paths.get(name);
    if (path?.idle && !this.configs.names().includes(name)) this.paths.delete(name);
  }
}
