import type { RobotPresence } from '@rovercast/contracts';
import { randomUUID } from 'node:crypto';

/** Which life of the agent this is, and which connection within it. */
export class Boot {
  readonly bootId = randomUUID();
  private connection = 0;

  /** Connections that were made. */
  connected = 0;

  /** Of the current connection, or of the one being made. */
  get connSeq(): number {
    return this.connection;
  }

  /** Counts a connection that is about to be made. */
  nextConnection(): void {
    this.connection += 1;
  }

  /** The robot's word on itself, for birth, last will and good-bye. */
  presence(word: { online: boolean; clean?: boolean }): RobotPresence {
    return {
      v: 1,
      online: word.online,
      bootId: this.bootId,
      connSeq: this.connSeq,
      at: Date.now(),
      clean: word.clean ?? false,
    };
  }
}
