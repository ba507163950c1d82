import { groupOf, type GroupLimits, type GroupPattern, type TotalLimits } from '@rovercast/quota';

/** A group with what makes paths belong to it and what limits it. */
export interface LimitedGroup {
  name: string;
  patterns: readonly GroupPattern[];
  limits: GroupLimits;
}

/** Who holds a slot. */
export interface Principal {
  kind: string;
  id: string;
}

/** What counts when one more stream asks to start, as it is now. */
export interface Counts {
  /** Slots of the group. */
  group: number;
  total: number;
  /** Slots of the caller in the group. */
  user: number;
  /** Reserved slots of who would publish. */
  pendingPrincipal: number;
  /** Reserved slots of the group. */
  pendingGroup: number;
}

export type Reason =
  | 'ROOM'
  | 'HELD'
  | 'NO_GROUP'
  | 'PATH_TAKEN'
  | 'GROUP_FULL'
  | 'TOTAL_FULL'
  | 'USER_FULL'
  | 'PRINCIPAL_PENDING'
  | 'GROUP_PENDING';

export interface Admission {
  admitted: boolean;
  reason: Reason;
  /** Of the limit that decides. */
  used: number | null;
  limit: number | null;
  /** What has to happen first; null when nothing has to. */
  wouldFree: string | null;
  retryAfterSeconds: number | null;
}

interface Question {
  group: LimitedGroup | undefined;
  total: TotalLimits;
  counts: Counts;
  /** Who has the path's live slot. */
  holder: Principal | undefined;
  /** Who would publish. */
  publisher: Principal | undefined;
}

/** The group of a path and which of its patterns won. */
export function placeOf(
  groups: readonly LimitedGroup[],
  path: string,
): { group: LimitedGroup; pattern: GroupPattern } | undefined {
  const single = groups.flatMap((group) =>
    group.patterns.map((pattern) => ({ name: group.name, patterns: [pattern], group, pattern })),
  );
  return groupOf(single, path);
}

/** Whether a start on the path would get a slot now, and what is in the way; `acquire_slot` decides alike, under locks. */
export function admissionOf({ group, total, counts, holder, publisher }: Question): Admission {
  if (holder) {
    const own = holder.kind === 'unknown' || (holder.kind === publisher?.kind && holder.id === publisher.id);
    return own ? letIn('HELD') : refused('PATH_TAKEN', 1, 1);
  }
  if (!group) return refused('NO_GROUP', null, null);
  const { streams, streamsPerUser } = group.limits;
  const limits: [Exclude<Reason, 'ROOM' | 'HELD'>, number, number | null][] = [
    ['GROUP_FULL', counts.group, streams],
    ['TOTAL_FULL', counts.total, total.streams],
    ['USER_FULL', counts.user, streamsPerUser],
    ['PRINCIPAL_PENDING', counts.pendingPrincipal, total.pendingPerPrincipal],
    ['GROUP_PENDING', counts.pendingGroup, pendingLimit(streams, total.pendingPercent)],
  ];
  for (const [reason, used, limit] of limits) {
    if (limit !== null && used >= limit) return refused(reason, used, limit);
  }
  return { ...letIn('ROOM'), used: counts.group, limit: streams };
}

/** A live slot. */
export interface HeldSlot {
  path: string;
  group: string;
  principal: Principal;
  userId: string | null;
  state: 'reserved' | 'active';
  since: Date;
}

/** Slots of which one would have to end, the oldest first; none when nothing is in the way. */
export function inTheWay(
  holders: readonly HeldSlot[],
  reason: Reason,
  { group, callerId }: { group: string | undefined; callerId: string },
): HeldSlot[] {
  const ofGroup = holders.filter((one) => one.group === group);
  switch (reason) {
    case 'GROUP_FULL':
      return ofGroup;
    case 'GROUP_PENDING':
      return ofGroup.filter(({ state }) => state === 'reserved');
    case 'USER_FULL':
      return ofGroup.filter(({ userId }) => userId === callerId);
    case 'TOTAL_FULL':
      return [...holders];
    default:
      return [];
  }
}

/**
 * Who holds a slot, as far as somebody may know who may know of its path: robots and cameras stand in the path, people are told
 * to admins and operators and to themselves.
 */
export function holderShown(
  { kind, id }: Principal,
  { staff, callerId, username }: { staff: boolean; callerId: string; username: string },
): Principal | null {
  const person = kind === 'user' || kind === 'service';
  return !person || staff || id === callerId || id === username ? { kind, id } : null;
}

/** Who streams on a path by its name: a robot, a camera, or whoever has an encoder. */
export function publisherOf(path: string, robotId: string | undefined, callerId: string): Principal {
  if (robotId !== undefined) return { kind: 'robot', id: robotId };
  const [root, id, ...rest] = path.split('/');
  return root === 'cameras' && id && rest.length === 0
    ? { kind: 'camera', id }
    : { kind: 'user', id: callerId };
}

const WOULD_FREE: Record<Exclude<Reason, 'ROOM' | 'HELD'>, string> = {
  NO_GROUP: 'a group has to cover the path',
  PATH_TAKEN: 'who streams on the path has to end',
  GROUP_FULL: 'a stream of the group has to end',
  TOTAL_FULL: 'any stream has to end',
  USER_FULL: 'one of your streams in the group has to end',
  PRINCIPAL_PENDING: 'those that start have to come up',
  GROUP_PENDING: 'those that start have to come up',
};

const letIn = (reason: 'ROOM' | 'HELD'): Admission => ({
  admitted: true,
  reason,
  used: null,
  limit: null,
  wouldFree: null,
  retryAfterSeconds: null,
});

const refused = (
  reason: Exclude<Reason, 'ROOM' | 'HELD'>,
  used: number | null,
  limit: number | null,
): Admission => ({
  admitted: false,
  reason,
  used,
  limit,
  wouldFree: WOULD_FREE[reason],
  retryAfterSeconds: reason.endsWith('_PENDING') ? 2 : 10,
});

/** As `acquire_slot` has it: never less than one. */
const pendingLimit = (streams: number | null, percent: number | null): number | null =>
  streams === null || percent === null ? null : Math.max(1, Math.floor((streams * percent) / 100));
