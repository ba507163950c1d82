/** Limits of one group; null limits nothing. */
export interface GroupLimits {
  /** Live slots. */
  streams: number | null;
  viewersPerStream: number | null;
  /** Live slots of the group that one user has asked for. */
  streamsPerUser: number | null;
}

/** Limits over all groups. */
export interface TotalLimits {
  streams: number | null;
  /** Slots that one principal may have reserved without streaming. */
  pendingPerPrincipal: number | null;
  /** Part of a limited group that may be reserved without streaming; never less than one slot. */
  pendingPercent: number | null;
}

export const MAX_LIMIT = 1_000_000;

/** Live and reserved slots, as one admission needs them. */
export interface Usage {
  group: number;
  total: number;
  /** Live slots in the group of the user who asks. */
  user: number;
  /** Reserved slots of the principal who asks. */
  pendingPrincipal: number;
  /** Reserved slots of the group. */
  pendingGroup: number;
}

export const FULL_REASONS = [
  'GROUP_FULL',
  'TOTAL_FULL',
  'USER_FULL',
  'PRINCIPAL_PENDING',
  'GROUP_PENDING',
] as const;
export type FullReason = (typeof FULL_REASONS)[number];

export type Admits = { admits: true } | { admits: false; reason: FullReason; used: number; limit: number };

/** Whether one more stream fits, and if not, which limit is in the way. `acquire_slot` does the same in SQL, under locks. */
export function admits(group: GroupLimits, total: TotalLimits, usage: Usage): Admits {
  const limits: [FullReason, number, number | null][] = [
    ['GROUP_FULL', usage.group, group.streams],
    ['TOTAL_FULL', usage.total, total.streams],
    ['USER_FULL', usage.user, group.streamsPerUser],
    ['PRINCIPAL_PENDING', usage.pendingPrincipal, total.pendingPerPrincipal],
    ['GROUP_PENDING', usage.pendingGroup, pendingLimit(group, total)],
  ];
  for (const [reason, used, limit] of limits) {
    if (limit !== null && used >= limit) return { admits: false, reason, used, limit };
  }
  return { admits: true };
}

/** Whether one more viewer fits on a stream that has `viewers`. */
export function admitsViewer(group: GroupLimits, viewers: number): boolean {
  return group.viewersPerStream === null || viewers < group.viewersPerStream;
}

/** Slots of a group that may wait for their session at a time. */
export function pendingLimit(group: GroupLimits, total: TotalLimits): number | null {
  if (group.streams === null || total.pendingPercent === null) return null;
  return Math.max(1, Math.floor((group.streams * total.pendingPercent) / 100));
}

/** Why a value cannot be the limit `name`, or undefined when it can. */
export function limitProblem(name: string, value: unknown, max = MAX_LIMIT): string | undefined {
  if (value === null) return undefined;
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
  return fits ? undefined : `${name} must be a whole number from 0 to ${max}, or null for no limit`;
}
