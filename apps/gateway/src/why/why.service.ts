import { Injectable } from '@nestjs/common';
import { DomainError, ownerOfPath } from '@rovercast/contracts';
import { Groups, type Group } from '@rovercast/directory';
import { SlotStore } from '@rovercast/quota';
import { may } from '../access';
import { timeOf } from '../page';
import type { Caller } from '../session/caller';
import { streamView } from '../streams/stream-views';
import { StreamsService } from '../streams/streams.service';
import type { QuotaWhy, StreamWhy, WhyHeld, WhySlot } from './why.dto';
import { WhyRepository, type LastSlot } from './why.repository';
import { admissionOf, holderShown, inTheWay, placeOf, publisherOf, type HeldSlot } from './why.rules';

const SHOWN = 10;
const GROUPS_PER_PAGE = 500;
/** Slots that are looked through for those that the caller may know of. */
const HOLDERS_MAX = 1_000;

const isStaff = ({ role }: Caller): boolean => role === 'admin' || role === 'operator';
const mayKnow = (caller: Caller, path: string): boolean =>
  may(caller, 'read', path) || may(caller, 'control', path);

/** Why a stream is as it is, and why a path would get a slot or not. */
@Injectable()
export class WhyService {
  constructor(
    private readonly streams: StreamsService,
    private readonly groups: Groups,
    private readonly slots: SlotStore,
    private readonly rows: WhyRepository,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async ofStream(caller: Caller, id: string): Promise<StreamWhy> {
    const stream = await this.streams.get(caller, id);
    const { path } = stream;
    const [quota, sessions] = await Promise.all([this.quota(caller, path), this.rows.viewers(path)]);
    const viewers = sessions.reduce((sum, { count }) => sum + count, 0);
    const inside = isStaff(caller) && may(caller, 'control', path);
    return {
      stream: streamView(stream, stream.endedAt === null ? viewers : 0),
      ...quota,
      sessions,
      decisions: inside ? await this.decisions(path) : null,
      audit: inside ? await this.audit(path, quota.group?.name ?? null) : null,
    };
  }

  /** @throws DomainError NOT_FOUND for a path that the caller may not know of */
  async ofPath(caller: Caller, path: string): Promise<QuotaWhy> {
    if (!mayKnow(caller, path) && !may(caller, 'publish', path))
      throw new DomainError('NOT_FOUND', `there is no path ${path}`);
    return this.quota(caller, path);
  }

  private async quota(caller: Caller, path: string): Promise<QuotaWhy> {
    const [groups, total, usage, slot] = await Promise.all([
      this.allGroups(),
      this.groups.total(),
      this.slots.usage(),
      this.rows.slot(path),
    ]);
    const place = placeOf(groups, path);
    const name = place?.group.name;
    const publisher = publisherOf(path, ownerOfPath(path)?.robotId, caller.id);
    const used = (scope: string | undefined): number => usage.find((one) => one.scope === scope)?.used ?? 0;
    const admission = admissionOf({
      group: place?.group,
      total,
      counts: {
        group: used(name),
        total: used('*'),
        ...(await this.rows.counts(name ?? null, caller.id, publisher)),
      },
      holder: slot && slot.state !== 'ended' ? slot.principal : undefined,
      publisher,
    });
    const holders = await this.holders(admission.reason === 'TOTAL_FULL' ? undefined : (name ?? ''));
    const shown = (some: HeldSlot[]): WhyHeld[] =>
      some
        .filter((one) => mayKnow(caller, one.path))
        .slice(0, SHOWN)
        .map((one) => heldView(caller, one));
    return {
      path,
      group: place ? { name: place.group.name, pattern: place.pattern, limits: place.group.limits } : null,
      slot: slot ? slotView(caller, slot) : null,
      usage: {
        group: place ? { used: used(name), limit: place.group.limits.streams } : null,
        total: { used: used('*'), limit: total.streams },
      },
      admission,
      holders: shown(holders.filter(({ group }) => group === name)),
      whatWouldFree: shown(inTheWay(holders, admission.reason, { group: name, callerId: caller.id })),
    };
  }

  private holders(group: string | undefined): Promise<HeldSlot[]> {
    return this.slots.listHolders({ ...(group !== undefined && { group }), limit: HOLDERS_MAX });
  }

  private async allGroups(): Promise<Group[]> {
    const all: Group[] = [];
    for (;;) {
      const part = await this.groups.list({ limit: GROUPS_PER_PAGE, after: all.at(-1)?.name ?? null });
      all.push(...part);
      if (part.length < GROUPS_PER_PAGE) return all;
    }
  }

  private async decisions(path: string): Promise<StreamWhy['decisions']> {
    const rows = await this.rows.decisions(path);
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  private async audit(path: string, group: string | null): Promise<StreamWhy['audit']> {
    const { kind, id } = publisherOf(path, ownerOfPath(path)?.robotId, '');
    const rows = await this.rows.audit({ path, owner: kind === 'user' ? null : id, group });
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }
}

const viewerOf = (caller: Caller) => ({
  staff: isStaff(caller),
  callerId: caller.id,
  username: caller.username,
});

const heldView = (caller: Caller, { path, state, since, principal }: HeldSlot): WhyHeld => ({
  path,
  state,
  since: since.toISOString(),
  holder: holderShown(principal, viewerOf(caller)),
});

const slotView = (caller: Caller, slot: LastSlot): WhySlot => ({
  state: slot.state,
  since: slot.since.toISOString(),
  reservedUntil: timeOf(slot.reservedUntil),
  endedAt: timeOf(slot.endedAt),
  reason: slot.reason,
  holder: holderShown(slot.principal, viewerOf(caller)),
});
