import { Injectable } from '@nestjs/common';
import type { RobotPresence } from '@rovercast/contracts';
import { EventEmitter } from 'node:events';

/** A robot came or went; `robotId` null: nothing is known any more, of no robot. */
export type PresenceChange = { robotId: string; online: boolean } | { robotId: null };

interface Presence {
  online: boolean;
  bootId: string;
  connSeq: number;
}

/**
 * Which robots are connected, from their retained births and last wills. An offline word counts only for the connection that
 * it names: a will may arrive after the next birth.
 */
@Injectable()
export class PresenceRegistry {
  private readonly byRobot = new Map<string, Presence>();
  private readonly changes = new EventEmitter();

  /** Who is told when a robot comes or goes. */
  onChange(listener: (change: PresenceChange) => void): void {
    this.changes.on('change', listener);
  }

  /** @returns whether this changed anything */
  heard(robotId: string, { online, bootId, connSeq }: RobotPresence): boolean {
    const known = this.byRobot.get(robotId);
    if (!online && known?.online && (known.bootId !== bootId || known.connSeq !== connSeq)) return false;
    this.byRobot.set(robotId, { online, bootId, connSeq });
    if (online !== (known?.online ?? false)) this.tell({ robotId, online });
    return known?.online !== online;
  }

  forget(robotId: string): void {
    const was = this.isOnline(robotId);
    this.byRobot.delete(robotId);
    if (was) this.tell({ robotId, online: false });
  }

  /** Without the broker nothing is known: births and wills are missed until it is back, and it repeats what still holds. */
  forgetAll(): void {
    if (this.byRobot.size === 0) return;
    this.byRobot.clear();
    this.tell({ robotId: null });
  }

  isOnline(robotId: string): boolean {
    return this.byRobot.get(robotId)?.online ?? false;
  }

  onlineCount(): number {
    let count = 0;
    for (const { online } of this.byRobot.values()) if (online) count += 1;
    return count;
  }

  private tell(change: PresenceChange): void {
    this.changes.emit('change', change);
  }
}
