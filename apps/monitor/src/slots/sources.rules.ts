interface SeenPath {
  name: string;
  available: boolean;
  source: { type: string; id: string } | null;
}

interface SeenSession {
  id: string;
  path: string;
  state: 'idle' | 'read' | 'publish';
}

/** What feeds a path: a client's session, or (null) a pull of the media server itself. */
export interface Source {
  path: string;
  sessionId: string | null;
}

/** Everything that feeds a path: sessions that publish, and paths that have a picture from elsewhere. */
export function sourcesOf(paths: readonly SeenPath[], sessions: readonly SeenSession[]): Source[] {
  const publishing = sessions
    .filter(({ state, path }) => state === 'publish' && path !== '')
    .map(({ id, path }) => ({ path, sessionId: id }));
  const fed = new Set(publishing.map(({ path }) => path));
  const pulled = paths
    .filter(({ name, available, source }) => available && source !== null && !fed.has(name))
    .map(({ name, source }) => ({ path: name, sessionId: source?.id || null }));
  return [...publishing, ...pulled];
}
