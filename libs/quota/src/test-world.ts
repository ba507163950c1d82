import { admits } from './limits.rules';
import { reconcileSlots } from './reconcile.rules';
import type { LiveSlot, Pass, ReconcilerMemory, SlotAction } from './reconcile.types';
import { cutBudget } from './strangers.rules';
import { mayEnter, RESERVE_MS, step, type EndReason, type Slot, type SlotPrincipal } from './slot.machine';

interface StoredSlot {
  id: string;
  path: string;
  principal: SlotPrincipal;
  life: Exclude<Slot, { state: 'ended' }>;
  node: string | null;
  incarnation: string | null;
  sessionId: string | null;
  lastSeenAt: number | null;
}

interface Session {
  path: string;
  /** Let in by the door, and nobody has ordered its end. */
  lawful: boolean;
}

interface MediaNode {
  name: string;
  run: number;
  readable: boolean;
  sessions: Map<string, Session>;
}

/** What the database would be restored to. */
interface Database {
  mark: number;
  /** The counter, as the SQL functions keep it. */
  used: number;
  generation: number;
  slots: Map<string, StoredSlot>;
}

export type Move =
  | { do: 'request'; path: number }
  | { do: 'publish'; path: number; node: number }
  | { do: 'intrude'; path: number; node: number }
  | { do: 'leave'; path: number }
  | { do: 'stop'; path: number; lingers: boolean }
  | { do: 'restart-node'; node: number }
  | { do: 'readable'; node: number; readable: boolean }
  | { do: 'wait'; ms: number }
  | { do: 'limit'; streams: number }
  | { do: 'new-leader' }
  | { do: 'back-up' }
  | { do: 'restore' }
  | { do: 'empty' }
  /** A whole pass; the moves inside happen between the looks, the reading of the slots, and the writing. */
  | { do: 'pass'; between: Move[]; before: Move[] };

/**
 * The quota's machine, a simulated MediaMTX of two nodes and a reconciler, in one process and one clock. It knows the truth, so
 * every step can be held against the invariants I1, I4, I5 and I11.
 */
export class World {
  now = 1_000_000;
  broken: string[] = [];
  private limit = 3;
  private total = 4;
  private epoch = 1;
  private memory?: ReconcilerMemory;
  private database: Database = { mark: 0, used: 0, generation: 0, slots: new Map() };
  private backup?: Database;
  private ids = 0;
  private passes = 0;
  private readonly nodes: MediaNode[] = ['n1', 'n2'].map((name) => ({
    name,
    run: 1,
    readable: true,
    sessions: new Map(),
  }));

  /** The database was set back or emptied: what it knows may be wrong until it has learned. */
  private tampered = false;

  private get live(): number {
    return this.database.slots.size;
  }

  move(move: Move): void {
    this.perform(move);
    if (move.do === 'restore' || move.do === 'empty') this.tampered = true;
    if (this.tampered) return;
    const slots = new Set([...this.database.slots.values()].map((slot) => slot.path));
    for (const { session } of this.sessions())
      if (session.lawful && !slots.has(session.path))
        this.broken.push(`I2: ${session.path} streams without a slot after ${move.do}`);
  }

  /** Everything is readable and nobody does anything: after a minute, slots and sessions agree. */
  settle(): void {
    for (const node of this.nodes) node.readable = true;
    for (let pass = 0; pass < 14; pass += 1) {
      this.move({ do: 'wait', ms: 5_000 });
      this.move({ do: 'pass', between: [], before: [] });
    }
    const sessions = new Set(this.sessions().map(({ session }) => session.path));
    const slots = new Set([...this.database.slots.values()].map(({ path }) => path));
    for (const path of slots) if (!sessions.has(path)) this.broken.push(`I4: the slot of ${path} has leaked`);
    for (const { session } of this.sessions())
      if (session.lawful && !slots.has(session.path))
        this.broken.push(`${session.path} streams without a slot`);
  }

  private perform(move: Move): void {
    switch (move.do) {
      case 'request':
        this.acquire(move.path, undefined);
        return;
      case 'publish':
        if (this.acquire(move.path, this.nodes[move.node]))
          this.appear(move.path, move.node, { lawful: true });
        return;
      case 'intrude':
        this.appear(move.path, move.node, { lawful: false });
        return;
      case 'leave':
        this.endSessions(path(move.path));
        return;
      case 'stop':
        this.stop(path(move.path), move.lingers);
        return;
      case 'restart-node':
        this.nodes[move.node].run += 1;
        this.nodes[move.node].sessions.clear();
        return;
      case 'readable':
        this.nodes[move.node].readable = move.readable;
        return;
      case 'wait':
        this.now += move.ms;
        return;
      case 'limit':
        this.limit = move.streams;
        return;
      case 'new-leader':
        this.epoch += 1;
        this.memory = undefined;
        return;
      case 'back-up':
        this.backup = structuredClone(this.database);
        return;
      case 'restore':
        // Backups are older than the last pass; the marks of passes do not repeat.
        if (this.backup && this.backup.mark !== this.database.mark)
          this.database = structuredClone(this.backup);
        return;
      case 'empty':
        this.database = { ...this.database, slots: new Map() };
        return;
      case 'pass':
        return this.pass(move.between, move.before);
    }
  }

  private acquire(index: number, node: MediaNode | undefined): boolean {
    const principal: SlotPrincipal = { kind: 'robot', id: `r${index}` };
    const held = this.slotOf(path(index));
    const where = node ? { node: node.name, incarnation: `run-${node.run}`, sessionId: null } : {};
    if (held) {
      if (!mayEnter(held.principal, principal)) return false;
      const life = step(held.life, { on: 'entered', now: this.now, generation: this.nextGeneration() });
      Object.assign(held, { principal, life, ...where });
      return true;
    }
    const usage = { group: this.live, total: this.live, user: 0, pendingPrincipal: 0, pendingGroup: 0 };
    const group = { streams: this.limit, viewersPerStream: null, streamsPerUser: null };
    const total = { streams: this.total, pendingPerPrincipal: null, pendingPercent: null };
    if (!admits(group, total, usage).admits) return false;
    this.insert(path(index), principal, {
      state: 'reserved',
      generation: this.nextGeneration(),
      enteredAt: this.now,
      reservedUntil: this.now + RESERVE_MS,
    });
    Object.assign(this.slotOf(path(index))!, where);
    if (this.live > Math.min(this.limit, this.total))
      this.broken.push(`I1: ${this.live} live of ${this.limit}`);
    return true;
  }

  /** A robot has one encoder: what it left on another node may linger there, and is owed nothing any more. */
  private appear(index: number, node: number, { lawful }: { lawful: boolean }): void {
    const { sessions } = this.nodes[node];
    if (lawful)
      for (const { session } of this.sessions()) if (session.path === path(index)) session.lawful = false;
    for (const [id, session] of sessions) if (session.path === path(index)) sessions.delete(id);
    sessions.set(`s${(this.ids += 1)}`, { path: path(index), lawful });
  }

  private stop(name: string, lingers: boolean): void {
    const slot = this.slotOf(name);
    if (slot) this.end(slot, 'STOPPED', null);
    for (const { session } of this.sessions()) if (session.path === name) session.lawful = false;
    if (!lingers) this.endSessions(name);
  }

  private pass(between: Move[], before: Move[]): void {
    const startedAt = this.now;
    this.now += 1;
    const looks = this.nodes.filter(({ readable }) => readable).map((node) => this.look(node, startedAt));
    between.forEach((move) => this.move(move));
    this.now += 1;
    const pass: Pass = {
      now: this.now,
      epoch: this.epoch,
      nodes: this.nodes.map(({ name }) => name),
      looks,
      slots: [...this.database.slots.values()].map(liveSlot),
      database: {
        identity: 'db/1',
        markBefore: String(this.database.mark),
        mark: String((this.passes += 1)),
        vanished: (this.memory?.slotIds ?? []).filter(
          (id) => !this.database.slots.has(id) && !this.ended.has(id),
        ).length,
        counterDrift: this.database.used - this.live,
      },
    };
    this.database.mark = this.passes;
    this.database.used = this.live;
    const { actions, memory, report } = reconcileSlots(pass, this.memory);
    this.memory = memory;
    const cuts = actions.filter((action) => action.do === 'cut');
    if (cuts.length > cutBudget(pass)) this.broken.push(`I11: ${cuts.length} cuts in one pass`);
    for (const cut of cuts)
      if (report.learning.includes(cut.node)) this.broken.push(`I11: cut on ${cut.node} while learning`);
    const { epoch } = this;
    before.forEach((move) => this.move(move));
    if (epoch === this.epoch) actions.forEach((action) => this.carryOut(action));
  }

  private carryOut(action: SlotAction): void {
    switch (action.do) {
      case 'activate': {
        const stored = this.database.slots.get(action.slot.id);
        const life = stored && step(stored.life, { on: 'seen', generation: action.slot.generation });
        if (!stored || !life) return;
        const { node, incarnation, sessionId } = action;
        Object.assign(stored, { life, node, incarnation, sessionId, lastSeenAt: this.now });
        return;
      }
      case 'release':
      case 'expire': {
        const stored = this.database.slots.get(action.slot.id);
        if (!stored) return;
        const reason = action.do === 'release' ? 'GONE' : 'EXPIRED';
        if (!this.end(stored, reason, action.slot.generation)) return;
        if (this.sessions().some(({ session }) => session.lawful && session.path === stored.path))
          this.broken.push(`I5: the slot of ${stored.path} was freed (${reason}) under a live session`);
        return;
      }
      case 'adopt': {
        if (this.slotOf(action.path)) return;
        const life = {
          state: 'active',
          generation: this.nextGeneration(),
          enteredAt: this.now,
          reservedUntil: null,
        } as const;
        this.insert(action.path, { kind: 'unknown', id: '' }, life);
        const { node, incarnation, sessionId } = action;
        Object.assign(this.slotOf(action.path)!, { node, incarnation, sessionId, lastSeenAt: this.now });
        return;
      }
      case 'cut': {
        const { sessions } = this.nodes.find(({ name }) => name === action.node)!;
        const session = sessions.get(action.sessionId!);
        if (session?.lawful) this.broken.push(`I3: ${session.path} was cut although it was let in`);
        sessions.delete(action.sessionId!);
        return;
      }
    }
  }

  private look(node: MediaNode, startedAt: number) {
    const sources = [...node.sessions].map(([sessionId, session]) => ({ path: session.path, sessionId }));
    return { node: node.name, incarnation: `run-${node.run}`, startedAt, sources };
  }

  private readonly ended = new Set<string>();

  private insert(name: string, principal: SlotPrincipal, life: StoredSlot['life']): void {
    const id = `slot-${(this.ids += 1)}`;
    this.database.used += 1;
    const nowhere = { node: null, incarnation: null, sessionId: null, lastSeenAt: null };
    this.database.slots.set(id, { id, path: name, principal, life, ...nowhere });
  }

  private end(stored: StoredSlot, reason: EndReason, generation: number | null): boolean {
    if (step(stored.life, { on: 'end', now: this.now, reason, generation })?.state !== 'ended') return false;
    this.database.slots.delete(stored.id);
    this.database.used -= 1;
    this.ended.add(stored.id);
    return true;
  }

  private slotOf(name: string): StoredSlot | undefined {
    return [...this.database.slots.values()].find((slot) => slot.path === name);
  }

  private nextGeneration(): number {
    return (this.database.generation += 1);
  }

  private sessions(): { node: MediaNode; session: Session }[] {
    return this.nodes.flatMap((node) => [...node.sessions.values()].map((session) => ({ node, session })));
  }

  private endSessions(name: string): void {
    for (const { sessions } of this.nodes)
      for (const [id, session] of sessions) if (session.path === name) sessions.delete(id);
  }
}

const path = (index: number): string => `robots/r${index}`;

function liveSlot({ life, principal: _, ...slot }: StoredSlot): LiveSlot {
  const { state, generation, enteredAt, reservedUntil } = life;
  return { ...slot, state, generation, enteredAt, reservedUntil };
}
