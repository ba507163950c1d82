import { Injectable } from '@nestjs/common';
import type { Admission, Admissions } from './access.facts';
import { AdmissionsRepository } from './admissions.repository';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CLEAN_EVERY_MS = 3_600_000;

interface Identified {
  id: string;
}

/** Admissions of the sessions in sight; each is read once, for it does not change any more. */
@Injectable()
export class AdmissionsStore {
  private readonly known = new Map<string, Admission>();
  private cleanAt = 0;

  constructor(private readonly repository: AdmissionsRepository) {}

  /** What the door remembers of these sessions; of some, nothing. */
  async of(sessions: Identified[]): Promise<Admissions> {
    const known = new Map(this.known);
    const missing = sessions.filter(({ id }) => !known.has(id) && UUID.test(id)).map(({ id }) => id);
    const found = missing.length > 0 ? await this.repository.withIds(missing) : [];
    for (const row of found) {
      this.known.set(row.sessionId, row);
      known.set(row.sessionId, row);
    }
    const admissions = new Map<string, Admission>();
    for (const { id } of sessions) {
      const admission = known.get(id);
      if (admission) admissions.set(id, admission);
    }
    return admissions;
  }

  /** Forgets all others, and once an hour what the table need not keep. */
  async keepOnly(sessions: Identified[], now: number): Promise<void> {
    const live = new Set(sessions.map(({ id }) => id));
    for (const id of this.known.keys()) if (!live.has(id)) this.known.delete(id);
    if (now < this.cleanAt) return;
    const more = await this.repository.removeOld([...live].filter((id) => UUID.test(id)));
    if (!more) this.cleanAt = now + CLEAN_EVERY_MS;
  }
}
