import type {
  LiveSlot,
  NodeLook,
  NodeMemory,
  Pass,
  PassReport,
  ReconcilerMemory,
  Sighting,
  SlotAction,
} from './reconcile.types';
import { judgeStrangers } from './strangers.rules';

/** Complete looks of a node before anything is concluded from them, and without a slot before it is freed. */
const MIN_LOOKS = 2;
/** Learning, however quick the looks follow each other, in milliseconds. */
const LEARN_MS = 10_000;
/** A session may be away this long, while an encoder restarts. */
const ABSENT_MS = 5_000;
/** How often a sighting is written when nothing else changes. */
const NOTE_SIGHT_MS = 60_000;
/** Part of the slots that may vanish before it looks like another database. */
const VANISHED_PART = 0.2;

/**
 * What follows from one pass: which slots came to life, which are free, what runs without a slot. Silence concludes nothing:
 * a slot is freed only after complete looks of its node that began after its last sign of life; and for a while after anything
 * that can make the truth look empty (a new leader, another or older database, a restarted node) nothing is freed or cut there.
 */
export function reconcileSlots(
  pass: Pass,
  before: ReconcilerMemory | undefined,
): { actions: SlotAction[]; memory: ReconcilerMemory; report: PassReport } {
  const causes = doubts(pass, before);
  const trusted = causes.length === 0 ? before : undefined;
  const { nodes, restarted } = learn(pass, trusted);
  const unsettled = pass.nodes.filter((name) => isLearning(nodes.get(name), pass.now));
  // A new leader or database doubts everything until every node has been heard; a node that restarts, only itself.
  const doubting = (!trusted || trusted.doubting) && unsettled.length > 0;
  const learning = new Set(doubting ? pass.nodes : unsettled);
  const sightings = sightingsOf(pass);
  const view = { pass, learning, sightings };
  const absences = countAbsences(view, trusted?.absences ?? new Map());
  const slotActions = pass.slots.flatMap((slot) => judgeSlot(slot, view, absences.get(slot.id)));
  const strangers = judgeStrangers(pass, { learning, known: trusted, sightings });
  return {
    actions: [...slotActions, ...strangers.actions],
    memory: {
      epoch: pass.epoch,
      identity: pass.database.identity,
      mark: pass.database.mark,
      doubting,
      slotIds: pass.slots.map(({ id }) => id),
      nodes,
      absences,
      strangers: strangers.known,
      recentCuts: strangers.recentCuts,
    },
    report: {
      learning: [...learning],
      startedLearning: [...causes, ...restarted.map((node) => `node ${node} is another run`)],
      drift: drift(view, strangers.known.size),
      withheldCuts: strangers.withheld,
    },
  };
}

/** Why the database or the leader may have a past that the memory does not fit. */
function doubts(pass: Pass, before: ReconcilerMemory | undefined): string[] {
  if (!before) return ['no memory'];
  const { identity, markBefore, vanished, counterDrift } = pass.database;
  return [
    ...(before.epoch === pass.epoch ? [] : ['new leader']),
    ...(before.identity === identity ? [] : ['another database']),
    ...(before.mark === markBefore ? [] : ['an older database']),
    ...(vanished <= before.slotIds.length * VANISHED_PART ? [] : ['slots vanished']),
    ...(counterDrift === 0 ? [] : ['counters differ from slots']),
  ];
}

/** Counts the complete looks of each node since there was a reason to doubt. A node that was never seen is not in it. */
function learn(
  pass: Pass,
  before: ReconcilerMemory | undefined,
): { nodes: Map<string, NodeMemory>; restarted: string[] } {
  const nodes = new Map<string, NodeMemory>();
  const restarted: string[] = [];
  for (const name of pass.nodes) {
    const known = before?.nodes.get(name);
    const look = lookAt(pass, name);
    if (!look) {
      if (known) nodes.set(name, known);
      continue;
    }
    const sameRun = known?.incarnation === look.incarnation;
    if (known && !sameRun) restarted.push(name);
    nodes.set(name, {
      incarnation: look.incarnation,
      learningSince: sameRun ? known.learningSince : look.startedAt,
      looks: sameRun ? known.looks + 1 : 1,
    });
  }
  return { nodes, restarted };
}

const lookAt = ({ looks }: Pass, name: string): NodeLook | undefined =>
  looks.find(({ node }) => node === name);

/** The first MIN_LOOKS looks only teach. */
const isLearning = (node: NodeMemory | undefined, now: number): boolean =>
  !node || node.looks <= MIN_LOOKS || now - node.learningSince < LEARN_MS;

function sightingsOf(pass: Pass): Map<string, Sighting[]> {
  const byPath = new Map<string, Sighting[]>();
  for (const look of pass.looks) {
    for (const source of look.sources) {
      const there = byPath.get(source.path);
      if (there) there.push({ look, source });
      else byPath.set(source.path, [{ look, source }]);
    }
  }
  return byPath;
}

/** Where a slot's session is: where it was, if it is still there; else anywhere, a client's session first. */
function sightOf(slot: LiveSlot, sightings: ReadonlyMap<string, Sighting[]>): Sighting | undefined {
  const there = sightings.get(slot.path) ?? [];
  return (
    there.find(({ look, source }) => look.node === slot.node && source.sessionId === slot.sessionId) ??
    there.find(({ look }) => look.node === slot.node) ??
    there.find(({ source }) => source.sessionId !== null) ??
    there.at(0)
  );
}

/** The moment after which a slot may be missed. */
const lastSign = ({ enteredAt, lastSeenAt }: LiveSlot): number => Math.max(enteredAt, lastSeenAt ?? 0);

/** What a slot is judged by. */
interface View {
  pass: Pass;
  learning: ReadonlySet<string>;
  sightings: ReadonlyMap<string, Sighting[]>;
}

/**
 * The looks that could have shown the slot: its node's, or every node's while nobody knows where it is. None when one of them
 * is missing or too old.
 */
function relevantLooks(slot: LiveSlot, pass: Pass): NodeLook[] | undefined {
  const names = slot.node !== null && pass.nodes.includes(slot.node) ? [slot.node] : pass.nodes;
  const looks = pass.looks.filter((look) => names.includes(look.node));
  const complete =
    looks.length === names.length && looks.every(({ startedAt }) => startedAt > lastSign(slot));
  return complete && names.length > 0 ? looks : undefined;
}

function countAbsences(
  view: View,
  before: ReconcilerMemory['absences'],
): Map<string, { generation: number; looks: number; since: number }> {
  const after = new Map<string, { generation: number; looks: number; since: number }>();
  for (const slot of view.pass.slots) {
    if (view.sightings.has(slot.path)) continue;
    const known = before.get(slot.id);
    const still = known?.generation === slot.generation ? known : undefined;
    const looks = relevantLooks(slot, view.pass);
    if (looks) {
      const since = still?.since ?? Math.min(...looks.map(({ startedAt }) => startedAt));
      after.set(slot.id, { generation: slot.generation, looks: (still?.looks ?? 0) + 1, since });
    } else if (still) {
      after.set(slot.id, still);
    }
  }
  return after;
}

function judgeSlot(
  slot: LiveSlot,
  view: View,
  absence: { looks: number; since: number } | undefined,
): SlotAction[] {
  const sighting = sightOf(slot, view.sightings);
  if (sighting) return takeIn(slot, sighting, view.pass);
  const looks = relevantLooks(slot, view.pass);
  if (!looks || looks.some(({ node }) => view.learning.has(node))) return [];
  const { reservedUntil } = slot;
  if (reservedUntil !== null && looks.some(({ startedAt }) => startedAt <= reservedUntil)) return [];
  if (slot.state === 'reserved') return [{ do: 'expire', slot }];
  if (!absence || absence.looks < MIN_LOOKS || view.pass.now - absence.since < ABSENT_MS) return [];
  return [{ do: 'release', slot }];
}

/**
 * A sighting is written when it says something new. One from before the last entry says nothing about that entry; one on
 * another node does not speak for a node that is silent.
 */
function takeIn(slot: LiveSlot, { look, source }: Sighting, pass: Pass): SlotAction[] {
  const { now } = pass;
  if (look.startedAt <= slot.enteredAt) return [];
  const silent = slot.node !== null && pass.nodes.includes(slot.node) && !lookAt(pass, slot.node);
  if (silent && look.node !== slot.node) return [];
  const news =
    slot.state === 'reserved' ||
    slot.reservedUntil !== null ||
    slot.node !== look.node ||
    slot.incarnation !== look.incarnation ||
    slot.sessionId !== source.sessionId ||
    now - (slot.lastSeenAt ?? 0) >= NOTE_SIGHT_MS;
  const { node, incarnation } = look;
  return news ? [{ do: 'activate', slot, node, incarnation, sessionId: source.sessionId }] : [];
}

/** Active slots that nothing feeds, and what runs without a slot. */
function drift(view: View, strangers: number): number {
  const missed = view.pass.slots.filter(
    (slot) => slot.state === 'active' && !view.sightings.has(slot.path) && relevantLooks(slot, view.pass),
  );
  return missed.length + strangers;
}
