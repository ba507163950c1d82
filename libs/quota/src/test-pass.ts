import type { LiveSlot, MediaSource, NodeLook, Pass } from './reconcile.types';

export const aSlot = (slot: Partial<LiveSlot> = {}): LiveSlot => ({
  id: 'slot-1',
  path: 'robots/r1',
  state: 'active',
  generation: 1,
  node: 'n1',
  incarnation: 'run-1',
  sessionId: 's1',
  enteredAt: 0,
  reservedUntil: null,
  lastSeenAt: 1,
  ...slot,
});

export const aSource = (path = 'robots/r1', sessionId: string | null = 's1'): MediaSource => ({
  path,
  sessionId,
});

export const aLook = (
  startedAt: number,
  sources: MediaSource[] = [],
  look: Partial<NodeLook> = {},
): NodeLook => ({
  node: 'n1',
  incarnation: 'run-1',
  startedAt,
  sources,
  ...look,
});

/** One node, one look that began just now, and a database that is what it was. */
export const aPass = (now: number, pass: Partial<Pass> & { sources?: MediaSource[] } = {}): Pass => {
  const { sources, ...rest } = pass;
  return {
    now,
    epoch: 1,
    nodes: ['n1'],
    looks: [aLook(now - 10, sources)],
    slots: [],
    database: aState(),
    ...rest,
  };
};

/** A database that is the one it was. */
export const aState = (state: Partial<Pass['database']> = {}): Pass['database'] => ({
  identity: 'db/1',
  markBefore: 'm',
  mark: 'm',
  vanished: 0,
  counterDrift: 0,
  ...state,
});
