/** A path's configuration as far as we set it; the names are the media server's. */
export interface PulledPath {
  source: string;
  sourceOnDemand: boolean;
  /** In Go's notation, as the media server reads it back. */
  sourceOnDemandCloseAfter: string;
  rtspTransport: string;
}

/** What one camera's path should be; undefined when nobody here can tell: then it is left as it is. */
export interface WantedPath {
  name: string;
  config: PulledPath | undefined;
}

export type Repair =
  | { do: 'set'; name: string; config: PulledPath; why: 'missing' | 'changed' }
  | { do: 'delete'; name: string };

/** The configuration with which a source is pulled while somebody watches. */
export function pulledPath(source: string): PulledPath {
  return {
    source,
    sourceOnDemand: true,
    sourceOnDemandCloseAfter: '10s',
    // Over UDP the media server would need ports of its own open to every camera.
    rtspTransport: 'tcp',
  };
}

/**
 * What to change about the media server's configuration, so that it holds what the table says. A path goes only when the table
 * says that its camera is gone: what the table does not know (an emptied table, a path of the settings file) stays.
 * @param gone paths of cameras that are no more
 * @param configured by the names of their paths
 */
export function pathsToRepair(
  wanted: readonly WantedPath[],
  gone: readonly string[],
  configured: ReadonlyMap<string, PulledPath>,
): Repair[] {
  const repairs = wanted.flatMap(({ name, config }): Repair[] => {
    const current = configured.get(name);
    if (!config || (current && isSame(current, config))) return [];
    return [{ do: 'set', name, config, why: current ? 'changed' : 'missing' }];
  });
  const deletions = gone
    .filter((name) => configured.has(name))
    .map((name): Repair => ({ do: 'delete', name }));
  return [...deletions, ...repairs];
}

function isSame(left: PulledPath, right: PulledPath): boolean {
  return (
    left.source === right.source &&
    left.sourceOnDemand === right.sourceOnDemand &&
    left.sourceOnDemandCloseAfter === right.sourceOnDemandCloseAfter &&
    left.rtspTransport === right.rtspTransport
  );
}
