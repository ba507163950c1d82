import { Injectable } from '@nestjs/common';
import type { Admissions, PolicyFacts, SeenSession } from './access.facts';
import { AdmissionsStore } from './admissions.store';
import { PolicyFactsStore } from './policy-facts.store';

/** Sessions with all that a decision about them needs; `now` in epoch milliseconds by the database's clock. */
export interface Sight<T extends SeenSession> {
  sessions: T[];
  admissions: Admissions;
  facts: PolicyFacts;
  now: number;
}

/** Finds out who is behind the sessions that the media server lists. */
@Injectable()
export class SightService {
  constructor(
    private readonly admissions: AdmissionsStore,
    private readonly facts: PolicyFactsStore,
  ) {}

  /** @param names users to know about besides those who are behind the sessions */
  async of<T extends SeenSession>(sessions: T[], names: string[] = []): Promise<Sight<T>> {
    const admissions = await this.admissions.of(sessions);
    return { sessions, admissions, ...(await this.facts.behind(admissions.values(), names)) };
  }

  /** Lets go of all that is known of other sessions. */
  async keepOnly({ sessions, now }: Sight<SeenSession>): Promise<void> {
    await this.admissions.keepOnly(sessions, now);
  }
}
