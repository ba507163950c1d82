import { Injectable } from '@nestjs/common';
import type { RobotPresence } from '@rovercast/contracts';

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

  /** @returns whether this changed anything */
  heard(robotId: string, { online, bootId, connSeq }: RobotPresence): boolean {
    const known = this.byRobot.get(robotId);
    if (!online && known?.online && (known.bootId !== bootId || known.connSeq !== connSeq)) return false;
    this.byRobot.set(robotId, { online, bootId, connSeq });
    return known?.online !== online;
  }

  forget(robotId: string): void {
    this.byRobot.delete(robotId);
  }

  /** Without the broker nothing is known: births and wills are missed until it is back, and it repeats what still holds. */
  forgetAll(): void {
    this.byRobot.clear();
  }

  isOnline(robotId: string): boolean {
    return this.byRobot.get(robotId)?.online ?? false;
  }

  onlineCount(): number {
    let count = 0;
    for (const { online } of this.byRobot.values()) if (online) count += 1;
    return count;
  }
}
