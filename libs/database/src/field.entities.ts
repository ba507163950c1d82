import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/** The one enrolment code of a robot that may be good; only its keyed hash is kept. */
@Entity('enrolment_codes')
export class EnrolmentCodeRow {
  @ForeignKey('RobotRow', { name: 'enrolment_codes_robot_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('text', { name: 'robot_id' })
  robotId: string;

  /** HMAC-SHA-256, see libs/access. */
  @Index('enrolment_codes_hash_key', { unique: true })
  @Column('bytea')
  hash: Buffer;

  @Column('text', { name: 'created_by' })
  createdBy: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt: Date | null;
}

/** A picture that a robot was asked for, from the order to the upload. */
@Entity('snapshots')
@Check('snapshots_image_check', `(taken_at IS NULL) = (image IS NULL)`)
@Index('snapshots_robot_camera_taken_idx', ['robotId', 'camera', 'takenAt'])
export class SnapshotRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @ForeignKey('RobotRow', { name: 'snapshots_robot_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'robot_id' })
  robotId: string;

  @Column('text')
  camera: string;

  @Column('text', { name: 'requested_by' })
  requestedBy: string;

  @Column('timestamptz', { name: 'requested_at', default: () => 'clock_timestamp()' })
  requestedAt: Date;

  /** Of the token that opens the upload, once; null when it was used. */
  @Column('bytea', { name: 'token_hash', nullable: true })
  tokenHash: Buffer | null;

  /** Until when it may be uploaded. */
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'taken_at', nullable: true })
  takenAt: Date | null;

  /** Why there will be none, in the robot's words. */
  @Column('text', { nullable: true })
  failure: string | null;

  /** JPEG. */
  @Column('bytea', { nullable: true })
  image: Buffer | null;
}

/** What to do about one kind of alert of one robot. */
@Entity('alert_policies')
@Check('alert_policies_min_confidence_check', `min_confidence BETWEEN 0 AND 1`)
@Check('alert_policies_action_check', `action IN ('record-event', 'go-live')`)
@Check('alert_policies_lease_seconds_check', `lease_seconds BETWEEN 5 AND 3600`)
@Index('alert_policies_robot_kind_key', ['robotId', 'kind'], { unique: true })
export class AlertPolicyRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @ForeignKey('RobotRow', { name: 'alert_policies_robot_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'robot_id' })
  robotId: string;

  @Column('text')
  kind: string;

  @Column('double precision', { name: 'min_confidence' })
  minConfidence: number;

  @Column('text')
  action: 'record-event' | 'go-live';

  @Column('integer', { name: 'lease_seconds' })
  leaseSeconds: number;

  @Column('boolean', { default: true })
  enabled: boolean;

  /** With whose rights, and on whose account, a stream is started: who wrote the policy last. */
  @ForeignKey('UserRow', { name: 'alert_policies_acts_for_fkey', onDelete: 'SET NULL' })
  @Column('uuid', { name: 'acts_for', nullable: true })
  actsFor: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** Something that a robot saw or heard, and what came of it. */
@Entity('alerts')
@Check('alerts_outcome_check', `outcome IN ('recorded', 'starting', 'live', 'not-started')`)
@Index('alerts_robot_alert_key', ['robotId', 'alertId'], { unique: true })
@Index('alerts_robot_id_idx', ['robotId', 'id'])
export class AlertRow {
  @PrimaryColumn('bigint', { generated: 'identity', generatedIdentity: 'ALWAYS' })
  id: string;

  @ForeignKey('RobotRow', { name: 'alerts_robot_id_fkey', onDelete: 'CASCADE' })
  @Column('text', { name: 'robot_id' })
  robotId: string;

  /** Made by the robot. */
  @Column('text', { name: 'alert_id' })
  alertId: string;

  @Column('text')
  camera: string;

  @Column('text')
  kind: string;

  @Column('double precision')
  confidence: number;

  /** By the robot's clock. */
  @Column('timestamptz', { name: 'happened_at' })
  happenedAt: Date;

  @Column('timestamptz', { name: 'received_at', default: () => 'clock_timestamp()' })
  receivedAt: Date;

  @Column('text')
  outcome: 'recorded' | 'starting' | 'live' | 'not-started';

  /** For people. */
  @Column('text', { nullable: true })
  detail: string | null;

  @Column('uuid', { name: 'policy_id', nullable: true })
  policyId: string | null;

  @Column('uuid', { name: 'stream_id', nullable: true })
  streamId: string | null;
}

export const FIELD_ENTITIES = [EnrolmentCodeRow, SnapshotRow, AlertPolicyRow, AlertRow];
