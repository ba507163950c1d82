import type {
  MediaSource,
  NodeLook,
  Pass,
  ReconcilerMemory,
  Sighting,
  SlotAction,
  Stranger,
} from './reconcile.types';

/** A session may be without a slot this long: the other side of a race. */
const STRANGER_MS = 10_000;
/** The kick budget's cycle, and the pause before the same session is cut again. */
const CUT_CYCLE_MS = 5_000;
const MIN_CUTS = 5;
const CUT_PERCENT = 10;

interface StrangerView {
  learning: ReadonlySet<string>;
  known: ReconcilerMemory | undefined;
  sightings: ReadonlyMap<string, Sighting[]>;
}

interface StrangerVerdict {
  actions: SlotAction[];
  known: Map<string, Stranger>;
  recentCuts: number[];
  withheld: number;
}

/** Gives a slot to what runs without one while learning; later, cuts what came since, within the budget. */
export function judgeStrangers(pass: Pass, { learning, known, sightings }: StrangerView): StrangerVerdict {
  const slotted = new Set(pass.slots.map(({ path }) => path));
  const verdict: StrangerVerdict = {
    actions: [],
    known: strangersElsewhere(pass, known),
    recentCuts: (known?.recentCuts ?? []).filter((at) => pass.now - at < CUT_CYCLE_MS),
    withheld: 0,
  };
  const budget = cutBudget(pass) - verdict.recentCuts.length;
  let cuts = 0;
  for (const [path, there] of sightings) {
    if (slotted.has(path)) continue;
    if (there.some(({ look }) => learning.has(look.node))) verdict.actions.push(adopt(path, there[0]));
    for (const { look, source } of there) {
      const key = strangerKey(look, source);
      const stranger = known?.strangers.get(key) ?? {
        firstSeenAt: look.startedAt,
        tolerated: learning.has(look.node),
        cutAt: null,
      };
      verdict.known.set(key, stranger);
      if (learning.has(look.node) || !isDue(stranger, pass.now)) continue;
      if (cuts >= budget) {
        verdict.withheld += 1;
        continue;
      }
      cuts += 1;
      verdict.known.set(key, { ...stranger, cutAt: pass.now });
      verdict.recentCuts.push(pass.now);
      verdict.actions.push({ do: 'cut', path, node: look.node, sessionId: source.sessionId });
    }
  }
  return verdict;
}

/** Strangers on nodes that could not be seen in this pass stay what they were. */
function strangersElsewhere(pass: Pass, known: ReconcilerMemory | undefined): Map<string, Stranger> {
  const seen = new Set(pass.looks.map(({ node }) => node));
  const kept = [...(known?.strangers ?? [])].filter(([key]) => {
    const [node] = JSON.parse(key) as [string];
    return !seen.has(node) && pass.nodes.includes(node);
  });
  return new Map(kept);
}

const strangerKey = ({ node, incarnation }: NodeLook, { path, sessionId }: MediaSource): string =>
  JSON.stringify([node, incarnation, path, sessionId]);

const isDue = ({ tolerated, firstSeenAt, cutAt }: Stranger, now: number): boolean =>
  !tolerated && now - firstSeenAt >= STRANGER_MS && (cutAt === null || now - cutAt >= CUT_CYCLE_MS);

const adopt = (path: string, { look, source }: Sighting): SlotAction => ({
  do: 'adopt',
  path,
  node: look.node,
  incarnation: look.incarnation,
  sessionId: source.sessionId,
});

/** Cuts that one cycle may make: a mistake of ours must not empty the house. */
export function cutBudget({ looks }: Pick<Pass, 'looks'>): number {
  const sessions = looks.reduce((sum, { sources }) => sum + sources.length, 0);
  return Math.max(MIN_CUTS, Math.floor((sessions * CUT_PERCENT) / 100));
}
