/** A live slot as the database has it; times in epoch milliseconds by the database's clock. */
export interface LiveSlot {
  id: string;
  path: string;
  state: 'reserved' | 'active';
  generation: number;
  /** Where its session was seen last, or where its principal was let in. */
  node: string | null;
  incarnation: string | null;
  sessionId: string | null;
  /** When its principal last asked for it. */
  enteredAt: number;
  /** Until then a session may still come. */
  reservedUntil: number | null;
  lastSeenAt: number | null;
}

/** What feeds a path on a node: a client's session, or (null) a pull of the node itself. */
export interface MediaSource {
  path: string;
  sessionId: string | null;
}

/** One complete look at one node. A look that failed in any part is no look, and never comes here. */
export interface NodeLook {
  node: string;
  /** Version and start time of the server that answered, before and after. */
  incarnation: string;
  /** Read from the database's clock before the first question to the node. */
  startedAt: number;
  sources: readonly MediaSource[];
}

/** What is known after one pass over the nodes. */
export interface Pass {
  /** The database's clock, after the looks. */
  now: number;
  /** Of this reconciler. */
  epoch: number;
  /** Every registered node, seen or not. */
  nodes: readonly string[];
  looks: readonly NodeLook[];
  /** Read after the looks. */
  slots: readonly LiveSlot[];
  database: {
    /** System identifier and timeline. */
    identity: string;
    /** Left by the pass before this one, whoever made it, and by this one. */
    markBefore: string | null;
    mark: string;
    /** How many of the slots of the last pass have left no trace, not even an ended row. */
    vanished: number;
    /** The counter of all live slots less the rows; not zero: somebody changed either by hand, and `recount` is due. */
    counterDrift: number;
  };
}

export type SlotAction =
  /** The slot's session is there. */
  | { do: 'activate'; slot: LiveSlot; node: string; incarnation: string; sessionId: string | null }
  | { do: 'release'; slot: LiveSlot }
  | { do: 'expire'; slot: LiveSlot }
  /** Runs without a slot, and must not be judged now: give it one. */
  | { do: 'adopt'; path: string; node: string; incarnation: string; sessionId: string | null }
  /** Runs without a slot, and nobody let it in: kick it (a pull has no session: kick who reads). */
  | { do: 'cut'; path: string; node: string; sessionId: string | null };

export interface PassReport {
  /** Nodes about which nothing is concluded yet. */
  learning: string[];
  /** Why learning (re)started in this pass. */
  startedLearning: string[];
  /** Active slots without a source plus sources without a slot: zero at rest. */
  drift: number;
  /** Cuts that the budget put off. */
  withheldCuts: number;
}

export interface NodeMemory {
  incarnation: string;
  /** When learning began, and complete looks since; acts once both suffice. */
  learningSince: number;
  looks: number;
}

export interface Stranger {
  firstSeenAt: number;
  /** It was there before this reconciler could know better: never cut. */
  tolerated: boolean;
  cutAt: number | null;
}

/** What one pass leaves to the next. Losing it is safe: the reconciler learns again. */
export interface ReconcilerMemory {
  epoch: number;
  identity: string;
  mark: string;
  /** Since there was no memory to trust, not every node has been heard enough. */
  doubting: boolean;
  slotIds: readonly string[];
  nodes: ReadonlyMap<string, NodeMemory>;
  absences: ReadonlyMap<string, { generation: number; looks: number; since: number }>;
  strangers: ReadonlyMap<string, Stranger>;
  recentCuts: readonly number[];
}

/** A path on a node. */
export interface Sighting {
  look: NodeLook;
  source: MediaSource;
}
