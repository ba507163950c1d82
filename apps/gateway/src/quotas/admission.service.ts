import { Injectable, Logger } from '@nestjs/common';
import { assertNever, DomainError } from '@rovercast/contracts';
import { SlotStore, type Admission } from '@rovercast/quota';

interface Wanted {
  path: string;
  robotId: string;
  userId: string | null;
}

type Denied = Extract<Admission, { outcome: 'denied' }>;

/** A slot that this process took for a start that has not begun yet. */
export interface TakenSlot {
  /** False when the robot had it already. */
  fresh: boolean;
  slotId: string;
  generation: number;
}

/** A stream starts only with a slot: the right to one live stream under its group's limits. */
@Injectable()
export class AdmissionService {
  private readonly log = new Logger(AdmissionService.name);

  constructor(private readonly slots: SlotStore) {}

  /** @throws DomainError QUOTA_EXCEEDED with the limit that is in the way, CONFLICT, DATABASE_UNREACHABLE */
  async take({ path, robotId, userId }: Wanted): Promise<TakenSlot> {
    const admission = await this.slots.acquire({
      path,
      principal: { kind: 'robot', id: robotId },
      ...(userId !== null && { userId }),
    });
    if (admission.outcome === 'denied') {
      this.log.warn({ msg: 'no slot', path, reason: admission.reason, group: admission.group });
      throw refusal(path, admission);
    }
    return {
      fresh: admission.outcome === 'granted',
      slotId: admission.slotId,
      generation: admission.generation,
    };
  }

  /** Gives back what a start took that came to nothing; somebody who entered the slot since keeps it. */
  async giveBack({ fresh, slotId, generation }: TakenSlot): Promise<void> {
    if (!fresh) return;
    await this.slots.release({ slotId, generation }, 'STOPPED').catch((error: unknown) => {
      this.log.warn({ msg: 'slot not given back; it expires', slotId, error: (error as Error).message });
    });
  }

  /** The stream on a path has stopped as it was told. */
  async stopped(path: string): Promise<void> {
    await this.slots.release({ path }, 'STOPPED');
  }
}

function refusal(path: string, { reason, group, used, limit }: Denied): DomainError {
  const details = { reason, group, used, limit };
  switch (reason) {
    case 'GROUP_FULL':
      return full(
        `group ${group} has all of its ${limit} streams`,
        'a stream of the group has to end',
        details,
      );
    case 'TOTAL_FULL':
      return full(`all ${limit} streams are in use`, 'any stream has to end', details);
    case 'USER_FULL':
      return full(
        `you have all of your ${limit} streams in group ${group}`,
        'one of your streams has to end',
        details,
      );
    case 'PRINCIPAL_PENDING':
    case 'GROUP_PENDING':
      return full('too many streams are being started', 'those that start have to come up', details, 2);
    case 'NO_GROUP':
      return full(`path ${path} belongs to no group`, 'a group has to cover the path', details);
    case 'PATH_TAKEN':
      return new DomainError('CONFLICT', `somebody else streams on ${path}`, { details });
    default:
      return assertNever(reason);
  }
}

function full(message: string, wouldFree: string, details: object, retryAfterSeconds = 10): DomainError {
  return new DomainError('QUOTA_EXCEEDED', message, {
    details: { ...details, wouldFree },
    retryAfterSeconds,
  });
}
