import { Check, Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/** Cameras and robots that share limits; null limits nothing. */
@Entity('groups')
@Check('groups_name_check', `name ~ '^[A-Za-z0-9_-]{1,64}$'`)
@Check(
  'groups_limits_check',
  `max_streams BETWEEN 0 AND 1000000 AND max_viewers_per_stream BETWEEN 0 AND 1000000 AND max_streams_per_user BETWEEN 0 AND 1000000`,
)
export class GroupRow {
  @PrimaryColumn('text')
  name: string;

  @Column('jsonb')
  patterns: { kind: 'path' | 'prefix'; value: string }[];

  @Column('integer', { name: 'max_streams', nullable: true })
  maxStreams: number | null;

  @Column('integer', { name: 'max_viewers_per_stream', nullable: true })
  maxViewersPerStream: number | null;

  @Column('integer', { name: 'max_streams_per_user', nullable: true })
  maxStreamsPerUser: number | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** One row: the limits over all groups. */
@Entity('quota_settings')
@Check('quota_settings_singleton_check', 'singleton')
@Check(
  'quota_settings_limits_check',
  `max_streams BETWEEN 0 AND 1000000 AND max_pending_per_principal BETWEEN 0 AND 1000000 AND max_pending_percent BETWEEN 0 AND 100`,
)
export class QuotaSettingsRow {
  @PrimaryColumn('boolean', { default: true })
  singleton: boolean;

  @Column('integer', { name: 'max_streams', nullable: true })
  maxStreams: number | null;

  /** Slots that one principal may have reserved without streaming; null: any number. */
  @Column('integer', { name: 'max_pending_per_principal', nullable: true, default: 2 })
  maxPendingPerPrincipal: number | null;

  /** Part of a group that may be reserved without streaming, at least one slot; null: all of it. */
  @Column('integer', { name: 'max_pending_percent', nullable: true, default: 10 })
  maxPendingPercent: number | null;

  /** Grows with every change of the groups, so that nobody is admitted by old patterns. */
  @Column('bigint', { name: 'rules_version', default: 1 })
  rulesVersion: string;
}

/** Live slots of a group, or of all of them (`*`); changes in the transaction that changes the slots. */
@Entity('quota_counters')
export class QuotaCounterRow {
  @PrimaryColumn('text')
  scope: string;

  @Column('integer', { default: 0 })
  used: number;
}

/** The right to one live stream, and the record of it once it has ended. */
@Entity('slots')
@Index('slots_live_path_key', ['path'], { unique: true, where: `state IN ('reserved', 'active')` })
@Index('slots_live_group_idx', ['groupName', 'userId'], { where: `state IN ('reserved', 'active')` })
@Index('slots_pending_group_idx', ['groupName'], { where: `state = 'reserved'` })
@Index('slots_pending_principal_idx', ['principalKind', 'principalId'], { where: `state = 'reserved'` })
@Index('slots_path_created_idx', ['path', 'createdAt'])
@Check('slots_principal_kind_check', `principal_kind IN ('robot', 'camera', 'user', 'service', 'unknown')`)
@Check('slots_state_check', `state IN ('reserved', 'active', 'ended')`)
@Check('slots_origin_check', `origin IN ('granted', 'adopted')`)
@Check('slots_reason_check', `reason IN ('STOPPED', 'GONE', 'KICKED', 'REVOKED', 'EXPIRED')`)
@Check(
  'slots_ended_check',
  `(state = 'ended') = (ended_at IS NOT NULL) AND (state = 'ended') = (reason IS NOT NULL)`,
)
@Check('slots_reserved_check', `state <> 'reserved' OR reserved_until IS NOT NULL`)
export class SlotRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column('text')
  path: string;

  @Column('text', { name: 'group_name' })
  groupName: string;

  /** Who publishes; `camera` for what MediaMTX pulls, `unknown` for what was found running. */
  @Column('text', { name: 'principal_kind' })
  principalKind: 'robot' | 'camera' | 'user' | 'service' | 'unknown';

  @Column('text', { name: 'principal_id' })
  principalId: string;

  /** On whose behalf; counts against streams per user. */
  @Column('text', { name: 'user_id', nullable: true })
  userId: string | null;

  @Column('text', { nullable: true })
  node: string | null;

  /** Which run of the node. */
  @Column('text', { nullable: true })
  incarnation: string | null;

  @Column('text', { name: 'session_id', nullable: true })
  sessionId: string | null;

  @Column('text')
  state: 'reserved' | 'active' | 'ended';

  /** `adopted`: found running without a slot. */
  @Column('text')
  origin: 'granted' | 'adopted';

  /** Grows with every entry, over all slots: a release that was decided before is told by it. */
  @Column('bigint')
  generation: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'clock_timestamp()' })
  createdAt: Date;

  /** When its principal last asked for it. */
  @Column('timestamptz', { name: 'entered_at', default: () => 'clock_timestamp()' })
  enteredAt: Date;

  /** Until then a session may still come. */
  @Column('timestamptz', { name: 'reserved_until', nullable: true })
  reservedUntil: Date | null;

  @Column('timestamptz', { name: 'activated_at', nullable: true })
  activatedAt: Date | null;

  @Column('timestamptz', { name: 'last_seen_at', nullable: true })
  lastSeenAt: Date | null;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;

  /** STOPPED: told to; GONE: no longer there; EXPIRED: never came; KICKED, REVOKED: cut. */
  @Column('text', { nullable: true })
  reason: 'STOPPED' | 'GONE' | 'KICKED' | 'REVOKED' | 'EXPIRED' | null;
}

/** One row: whose conclusions about slots the database takes. */
@Entity('reconciler_leader')
@Check('reconciler_leader_singleton_check', 'singleton')
export class ReconcilerLeaderRow {
  @PrimaryColumn('boolean', { default: true })
  singleton: boolean;

  @Column('bigint', { default: 0 })
  epoch: string;

  /** Left by the last pass of the reconciler, which knows by it that this is still the same database. */
  @Column('uuid', { nullable: true })
  mark: string | null;

  @Column('text', { nullable: true })
  holder: string | null;

  @Column('timestamptz', { name: 'taken_at', nullable: true })
  takenAt: Date | null;
}

export const QUOTA_ENTITIES = [GroupRow, QuotaSettingsRow, QuotaCounterRow, SlotRow, ReconcilerLeaderRow];
