import { Injectable } from '@nestjs/common';
import { RIGHTS_FOR_TICKET } from '@rovercast/directory';
import type { Admission, PolicyFacts } from './access.facts';
import { PolicyFactsRepository } from './policy-facts.repository';

interface Known {
  version: string;
  /** What has been looked up, found or not. */
  asked: Set<string>;
  facts: {
    users: Map<string, unknown>;
    robots: Map<string, unknown>;
    keys: Map<string, unknown>;
    families: Map<string, unknown>;
    anyUsers: boolean;
    anyRobots: boolean;
  } & PolicyFacts;
}

/** Rights of those in sight, read anew as soon as the policy has another version. */
@Injectable()
export class PolicyFactsStore {
  private known = nothing('');

  constructor(private readonly repository: PolicyFactsRepository) {}

  /**
   * The rights behind these admissions, never older than the call, and the database's clock in epoch milliseconds.
   * @param names users that are asked about besides
   */
  async behind(
    admissions: Iterable<Admission>,
    names: string[],
  ): Promise<{ facts: PolicyFacts; now: number }> {
    const { version, now } = await this.repository.version();
    if (version !== this.known.version) this.known = nothing(version);
    // Kept apart from `this.known`: whoever asks meanwhile may start a newer one.
    const known = this.known;
    const wanted = { names: new Set(names), keys: new Set<string>(), families: new Set<string>() };
    for (const { principal, keyId, ticketFamily } of admissions) {
      wanted.names.add(principal);
      if (keyId !== null) wanted.keys.add(keyId);
      if (ticketFamily !== null) wanted.families.add(ticketFamily);
    }
    await this.learn(known, wanted);
    return { facts: known.facts, now };
  }

  private async learn(
    known: Known,
    wanted: { names: Set<string>; keys: Set<string>; families: Set<string> },
  ): Promise<void> {
    const fresh = (kind: string, values: Set<string>): string[] =>
      [...values].filter((value) => !known.asked.has(`${kind} ${value}`));
    const missing = {
      names: fresh('name', wanted.names),
      keys: fresh('key', wanted.keys),
      families: fresh('family', wanted.families),
    };
    if (missing.names.length + missing.keys.length + missing.families.length === 0) return;
    const found = await this.repository.load(missing);
    for (const list of ['users', 'robots', 'keys', 'families'] as const) {
      for (const [id, value] of found[list]) known.facts[list].set(id, value);
    }
    known.facts.anyUsers = found.anyUsers;
    known.facts.anyRobots = found.anyRobots;
    for (const name of missing.names) known.asked.add(`name ${name}`);
    for (const key of missing.keys) known.asked.add(`key ${key}`);
    for (const family of missing.families) known.asked.add(`family ${family}`);
  }
}

const nothing = (version: string): Known => ({
  version,
  asked: new Set(),
  facts: {
    users: new Map(),
    robots: new Map(),
    keys: new Map(),
    families: new Map(),
    rightsForTicket: RIGHTS_FOR_TICKET,
    anyUsers: false,
    anyRobots: false,
  },
});
