import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { ACCESS_ENTITIES } from './access.entities';
import { FIELD_ENTITIES } from './field.entities';
import { ON_DEMAND_ENTITIES } from './on-demand.entities';
import { QUOTA_ENTITIES } from './quota.entities';

export const ROLES = ['admin', 'operator', 'viewer', 'service'] as const;
export type Role = (typeof ROLES)[number];

export const GRANT_ACTIONS = ['read', 'publish', 'control'] as const;
export type GrantAction = (typeof GRANT_ACTIONS)[number];

export const ROBOT_KINDS = ['agent', 'legacy'] as const;
export type RobotKind = (typeof ROBOT_KINDS)[number];

export const STREAM_STATES = ['requested', 'starting', 'live', 'stopping', 'stopped', 'failed'] as const;
export type StreamState = (typeof STREAM_STATES)[number];

/** Somebody who logs in with a name and a password. */
@Entity('users')
@Check('users_role_check', `role IN ('admin', 'operator', 'viewer', 'service')`)
export class UserRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Index('users_username_key', { unique: true })
  @Column('text')
  username: string;

  /** argon2id in PHC form; null when the user has keys only. */
  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  @Column('text')
  role: Role;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** A standing right of a user: an action on the paths that a pattern covers. */
@Entity('grants')
@Check('grants_action_check', `action IN ('read', 'publish', 'control')`)
@Check('grants_holder_check', `num_nonnulls(user_id, group_id) = 1`)
@Index('grants_user_action_pattern_key', ['userId', 'action', 'pattern'], { unique: true })
@Index('grants_group_action_pattern_key', ['groupId', 'action', 'pattern'], { unique: true })
export class GrantRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @ForeignKey(() => UserRow, { name: 'grants_user_id_fkey', onDelete: 'CASCADE' })
  /** A user's own grant, or else a group's. */
  @Column('uuid', { name: 'user_id', nullable: true })
  userId: string | null;

  @ForeignKey('UserGroupRow', { name: 'grants_group_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'group_id', nullable: true })
  groupId: string | null;

  /** CIDR ranges that the client must come from; empty: from anywhere. */
  @Column('text', { name: 'address_ranges', array: true, default: () => "'{}'" })
  addressRanges: string[];

  @Column('text')
  action: GrantAction;

  @Column('text')
  pattern: string;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** A device with an agent, or one of the older kind that obeys bare `start` and `stop`. */
@Entity('robots')
@Check('robots_id_check', `id ~ '^[A-Za-z0-9_-]{1,64}$'`)
@Check('robots_kind_check', `kind IN ('agent', 'legacy')`)
@Check('robots_check', `(kind = 'legacy') = (legacy_topic IS NOT NULL)`)
export class RobotRow {
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  name: string;

  @Column('text')
  kind: RobotKind;

  @Column('text', { array: true, default: () => "'{main}'" })
  cameras: string[];

  /** Topic of a legacy robot; null for an agent. */
  @Column('text', { name: 'legacy_topic', nullable: true })
  legacyTopic: string | null;

  @Index('robots_owner_id_idx')
  @ForeignKey(() => UserRow, { name: 'robots_owner_id_fkey', onDelete: 'SET NULL' })
  @Column('uuid', { name: 'owner_id', nullable: true })
  ownerId: string | null;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  @Column('timestamptz', { name: 'last_seen_at', nullable: true })
  lastSeenAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** A 256-bit key of a robot or a user; only its keyed hash is kept. */
@Entity('stream_keys')
@Check('stream_keys_check', `num_nonnulls(robot_id, user_id) = 1`)
export class StreamKeyRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Index('stream_keys_robot_id_idx')
  @ForeignKey(() => RobotRow, { name: 'stream_keys_robot_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'robot_id', nullable: true })
  robotId: string | null;

  @Index('stream_keys_user_id_idx')
  @ForeignKey(() => UserRow, { name: 'stream_keys_user_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'user_id', nullable: true })
  userId: string | null;

  /** For people. */
  @Column('text', { default: () => "''" })
  name: string;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  /** HMAC-SHA-256, see libs/access. */
  @Index('stream_keys_hash_key', { unique: true })
  @Column('bytea')
  hash: Buffer;

  /** A robot's key as Mosquitto's password file holds it (PBKDF2-SHA-512); null for users' keys and for older ones until used. */
  @Column('text', { name: 'broker_verifier', nullable: true })
  brokerVerifier: string | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** One live period of a path, from the request to its end; also the history. */
@Entity('streams')
@Check('streams_state_check', `state IN ('requested', 'starting', 'live', 'stopping', 'stopped', 'failed')`)
@Check('streams_check', `(state IN ('stopped', 'failed')) = (ended_at IS NOT NULL)`)
@Index('streams_open_path_key', ['path'], { unique: true, where: 'ended_at IS NULL' })
@Index('streams_robot_requested_idx', ['robotId', 'requestedAt'])
export class StreamRow {
  /** Also the session id in the robot's orders. */
  @PrimaryColumn('uuid')
  id: string;

  @ForeignKey(() => RobotRow, { name: 'streams_robot_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'robot_id' })
  robotId: string;

  @Column('text')
  camera: string;

  @Column('text')
  path: string;

  @Column('text')
  state: StreamState;

  /** Why it ended; see STREAM_CAUSES in libs/contracts. */
  @Column('text', { nullable: true })
  cause: string | null;

  /** For people. */
  @Column('text', { nullable: true })
  detail: string | null;

  @ForeignKey(() => UserRow, { name: 'streams_requested_by_fkey', onDelete: 'SET NULL' })
  @Column('uuid', { name: 'requested_by', nullable: true })
  requestedBy: string | null;

  @Column('timestamptz', { name: 'requested_at', default: () => 'clock_timestamp()' })
  requestedAt: Date;

  /** An app keeps the stream alive until then, viewers or not. */
  @Column('timestamptz', { name: 'lease_until' })
  leaseUntil: Date;

  /** When the state last changed; kept by a trigger. */
  @Column('timestamptz', { name: 'changed_at', default: () => 'clock_timestamp()' })
  changedAt: Date;

  /** When the media server first had the path. */
  @Column('timestamptz', { name: 'live_at', nullable: true })
  liveAt: Date | null;

  /** When a gateway last renewed the robot's lease. */
  @Column('timestamptz', { name: 'renewed_at', default: () => 'clock_timestamp()' })
  renewedAt: Date;

  /** Since when nobody watches; null while somebody does. */
  @Column('timestamptz', { name: 'idle_since', nullable: true })
  idleSince: Date | null;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
}

/** The newest wish for each camera: what the robot is told, again and again, until it reports that it did so. */
@Entity('stream_wishes')
@Check('stream_wishes_state_check', `state IN ('on', 'off')`)
export class StreamWishRow {
  @ForeignKey(() => RobotRow, { name: 'stream_wishes_robot_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('text', { name: 'robot_id' })
  robotId: string;

  @PrimaryColumn('text')
  camera: string;

  /** Fencing token: only grows. */
  @Column('bigint')
  version: string;

  @Column('text')
  state: 'on' | 'off';

  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId: string | null;

  @Column('text', { name: 'request_id' })
  requestId: string;

  @Column('text', { nullable: true })
  cause: string | null;

  @Column('jsonb', { nullable: true })
  profile: Record<string, number> | null;

  @Column('timestamptz', { name: 'updated_at', default: () => 'clock_timestamp()' })
  updatedAt: Date;
}

/** One link of a chain of rotating refresh tokens; using an old link twice ends the chain. */
@Entity('refresh_tokens')
export class RefreshTokenRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Index('refresh_tokens_family_idx')
  @Column('uuid')
  family: string;

  @Index('refresh_tokens_user_id_idx')
  @ForeignKey(() => UserRow, { name: 'refresh_tokens_user_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'user_id' })
  userId: string;

  @Index('refresh_tokens_hash_key', { unique: true })
  @Column('bytea')
  hash: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** Who did what, and how it ended. */
@Entity('audit_events')
@Index('audit_events_at_idx', ['at'])
export class AuditEventRow {
  @PrimaryColumn('bigint', { generated: 'identity', generatedIdentity: 'ALWAYS' })
  id: string;

  @Column('timestamptz', { default: () => 'clock_timestamp()' })
  at: Date;

  /** User name, robot id or the app that acted. */
  @Column('text')
  actor: string;

  @Column('text')
  action: string;

  @Column('text')
  target: string;

  @Column('text')
  outcome: string;

  @Column('jsonb', { default: () => "'{}'" })
  details: Record<string, unknown>;
}

/** Answers to writes that carried an Idempotency-Key, kept for a day. */
@Entity('idempotency_keys')
export class IdempotencyKeyRow {
  @ForeignKey(() => UserRow, { name: 'idempotency_keys_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId: string;

  @PrimaryColumn('text')
  key: string;

  /** SHA-256 of method, route and body: the same key with another request is a mistake. */
  @Column('bytea')
  fingerprint: Buffer;

  @Column('integer', { nullable: true })
  status: number | null;

  /** Sealed, see libs/access. */
  @Column('bytea', { nullable: true })
  body: Buffer | null;

  @Index('idempotency_keys_created_at_idx')
  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** One row; its number grows with every change of users, grants, robots or keys. */
@Entity('policy_version')
@Check('policy_version_singleton_check', 'singleton')
export class PolicyVersionRow {
  @PrimaryColumn('boolean', { default: true })
  singleton: boolean;

  @Column('bigint')
  version: string;
}

export const ENTITIES = [
  ...ACCESS_ENTITIES,
  UserRow,
  GrantRow,
  RobotRow,
  StreamKeyRow,
  StreamRow,
  StreamWishRow,
  RefreshTokenRow,
  AuditEventRow,
  IdempotencyKeyRow,
  PolicyVersionRow,
  ...QUOTA_ENTITIES,
  ...ON_DEMAND_ENTITIES,
  ...FIELD_ENTITIES,
];
