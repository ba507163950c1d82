import { assertNever } from '@rovercast/contracts';

/** STOPPED: told to; GONE: no longer there; EXPIRED: never came; KICKED, REVOKED: cut. */
export type EndReason = 'STOPPED' | 'GONE' | 'KICKED' | 'REVOKED' | 'EXPIRED';

/** Who publishes on a path; `camera` for what MediaMTX pulls, `unknown` for what was found running. */
export interface SlotPrincipal {
  kind: 'robot' | 'camera' | 'user' | 'service' | 'unknown';
  id: string;
}

/** A slot's life; times in epoch milliseconds by the database's clock. */
export type Slot =
  | { state: 'reserved'; generation: number; enteredAt: number; reservedUntil: number }
  | { state: 'active'; generation: number; enteredAt: number; reservedUntil: number | null }
  | { state: 'ended'; generation: number; reason: EndReason };

export type SlotEvent =
  /** Its principal asks for it again; `generation` is newer than any before. */
  | { on: 'entered'; now: number; generation: number }
  /** Its session was seen in a look that began after it was entered. */
  | { on: 'seen'; generation: number }
  /** `generation` null: whatever it is. */
  | { on: 'end'; now: number; reason: EndReason; generation: number | null };

/** How long a slot waits for its session, in milliseconds. */
export const RESERVE_MS = 30_000;

/** What becomes of a slot; undefined when the event does not apply to it, which changes nothing. */
export function step(slot: Slot, event: SlotEvent): Slot | undefined {
  if (slot.state === 'ended') return undefined;
  switch (event.on) {
    case 'entered':
      return {
        ...slot,
        generation: event.generation,
        enteredAt: event.now,
        reservedUntil: event.now + RESERVE_MS,
      };
    case 'seen':
      if (event.generation !== slot.generation) return undefined;
      return { ...slot, state: 'active', reservedUntil: null };
    case 'end':
      if (event.generation !== null && event.generation !== slot.generation) return undefined;
      return mayEnd(slot, event.reason, event.now)
        ? { state: 'ended', generation: slot.generation, reason: event.reason }
        : undefined;
    default:
      return assertNever(event);
  }
}

/** Whether a principal may enter a slot that lives: its own, or one that was found running. */
export function mayEnter(holder: SlotPrincipal, asks: SlotPrincipal): boolean {
  return holder.kind === 'unknown' || (holder.kind === asks.kind && holder.id === asks.id);
}

function mayEnd(slot: Exclude<Slot, { state: 'ended' }>, reason: EndReason, now: number): boolean {
  switch (reason) {
    case 'STOPPED':
    case 'KICKED':
    case 'REVOKED':
      return true;
    case 'GONE':
      return slot.state === 'active';
    case 'EXPIRED':
      return slot.state === 'reserved' && slot.reservedUntil < now;
    default:
      return assertNever(reason);
  }
}
