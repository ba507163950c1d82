import type { Admission } from './admission';

/** Admissions that wait to be written, one per session: the newest says it all. When full, the oldest makes room. */
export class AdmissionQueue {
  private readonly waiting = new Map<string, Admission>();
  private lost = 0;

  constructor(private readonly maxSize: number) {}

  get size(): number {
    return this.waiting.size;
  }

  /** How many had to make room, ever. */
  get dropped(): number {
    return this.lost;
  }

  add(admission: Admission): void {
    this.waiting.delete(admission.sessionId);
    this.waiting.set(admission.sessionId, admission);
    if (this.waiting.size <= this.maxSize) return;
    this.waiting.delete(this.waiting.keys().next().value as string);
    this.lost += 1;
  }

  /** The oldest ones; they stay until `done`. */
  peek(count: number): Admission[] {
    const oldest: Admission[] = [];
    for (const admission of this.waiting.values()) {
      if (oldest.length === count) break;
      oldest.push(admission);
    }
    return oldest;
  }

  /** Forgets what was written, unless something newer has come for the session meanwhile. */
  done(written: Admission[]): void {
    for (const admission of written) {
      if (this.waiting.get(admission.sessionId) === admission) this.waiting.delete(admission.sessionId);
    }
  }
}
