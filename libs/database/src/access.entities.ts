import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/** Users who share grants. */
@Entity('user_groups')
export class UserGroupRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Index('user_groups_name_key', { unique: true })
  @Column('text')
  name: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

@Entity('user_group_members')
export class UserGroupMemberRow {
  @ForeignKey('UserGroupRow', { name: 'user_group_members_group_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn('uuid', { name: 'group_id' })
  groupId: string;

  @ForeignKey('UserRow', { name: 'user_group_members_user_id_fkey', onDelete: 'CASCADE' })
  @Index('user_group_members_user_id_idx')
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId: string;
}

/** Tickets that are revoked together: a share link, or all tickets that one call made. */
@Entity('ticket_families')
@Check('ticket_families_action_check', `action IN ('read', 'publish')`)
export class TicketFamilyRow {
  /** Travels in the ticket. */
  @PrimaryColumn('text')
  id: string;

  @Index('ticket_families_path_idx')
  @Column('text')
  path: string;

  @Column('text')
  action: 'read' | 'publish';

  /** For people. */
  @Column('text', { default: () => "''" })
  name: string;

  @ForeignKey('UserRow', { name: 'ticket_families_created_by_fkey', onDelete: 'CASCADE' })
  @Index('ticket_families_created_by_idx')
  @Column('uuid', { name: 'created_by', nullable: true })
  createdBy: string | null;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  /** When sessions that its tickets opened must have ended. */
  @Column('timestamptz', { name: 'leave_at', nullable: true })
  leaveAt: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

/** What the door let in, by the media server's session or connection id: who it is, and until when it may stay. */
@Entity('admissions')
@Check('admissions_principal_kind_check', `principal_kind IN ('user', 'robot', 'ticket')`)
export class AdmissionRow {
  @PrimaryColumn('uuid', { name: 'session_id' })
  sessionId: string;

  @Column('text')
  node: string;

  @Index('admissions_at_idx')
  @Column('timestamptz', { default: () => 'clock_timestamp()' })
  at: Date;

  @Column('text')
  action: string;

  @Column('text')
  path: string;

  @Column('text')
  protocol: string;

  @Column('text')
  address: string;

  @Column('text', { name: 'user_agent' })
  userAgent: string;

  @Column('text', { name: 'principal_kind' })
  principalKind: 'user' | 'robot' | 'ticket';

  /** User name, robot id or the subject of a ticket. */
  @Column('text')
  principal: string;

  @Column('uuid', { name: 'grant_id', nullable: true })
  grantId: string | null;

  @Column('uuid', { name: 'key_id', nullable: true })
  keyId: string | null;

  @Column('text', { name: 'ticket_id', nullable: true })
  ticketId: string | null;

  @Column('text', { name: 'ticket_family', nullable: true })
  ticketFamily: string | null;

  @Column('timestamptz', { name: 'leave_at', nullable: true })
  leaveAt: Date | null;
}

/** Who watched what, from when to when. */
@Entity('view_log')
@Index('view_log_session_key', ['node', 'sessionId'], { unique: true })
@Index('view_log_path_started_idx', ['path', 'startedAt'])
export class ViewLogRow {
  @PrimaryColumn('bigint', { generated: 'identity', generatedIdentity: 'ALWAYS' })
  id: string;

  @Column('uuid', { name: 'session_id' })
  sessionId: string;

  @Index('view_log_open_idx', { where: 'ended_at IS NULL' })
  @Column('text')
  node: string;

  /** The media server's kind of session, e.g. `rtspsessions`. */
  @Column('text')
  kind: string;

  @Column('text')
  path: string;

  @Column('text')
  protocol: string;

  @Column('text', { name: 'principal_kind' })
  principalKind: string;

  @Column('text')
  principal: string;

  @Column('text')
  address: string;

  @Column('text', { name: 'user_agent' })
  userAgent: string;

  @Column('timestamptz', { name: 'started_at' })
  startedAt: Date;

  @Column('timestamptz', { name: 'last_seen_at', default: () => 'clock_timestamp()' })
  lastSeenAt: Date;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;

  /** `left`, or the cause for which it was cut. */
  @Column('text', { name: 'end_reason', nullable: true })
  endReason: string | null;

  @Column('bigint', { name: 'outbound_bytes', default: 0 })
  outboundBytes: string;
}

/** A right that was taken away, until nobody who held it is left on any media server. */
@Entity('revocations')
@Check(
  'revocations_kind_check',
  `kind IN ('user', 'grant', 'key', 'robot', 'ticket-family', 'session', 'user-sessions')`,
)
export class RevocationRow {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column('text')
  kind: 'user' | 'grant' | 'key' | 'robot' | 'ticket-family' | 'session' | 'user-sessions';

  /** User name (`user`, `user-sessions`), grant id, key id, robot id, family id or session id. */
  @Column('text')
  subject: string;

  @Column('text')
  reason: string;

  @Column('text', { name: 'requested_by' })
  requestedBy: string;

  @Column('timestamptz', { name: 'requested_at', default: () => 'clock_timestamp()' })
  requestedAt: Date;

  @Column('integer', { default: 0 })
  attempts: number;

  @Index('revocations_open_idx', { where: 'verified_at IS NULL' })
  @Column('timestamptz', { name: 'next_attempt_at', default: () => 'clock_timestamp()' })
  nextAttemptAt: Date;

  /** When all sessions were seen to be gone. */
  @Column('timestamptz', { name: 'verified_at', nullable: true })
  verifiedAt: Date | null;

  /** Each session that was cut: `{sessionId, node, kind, protocol, path, principal, cutAfterMs, verified}`. */
  @Column('jsonb', { default: () => "'[]'" })
  receipt: unknown[];
}

export const ACCESS_ENTITIES = [
  UserGroupRow,
  UserGroupMemberRow,
  TicketFamilyRow,
  AdmissionRow,
  ViewLogRow,
  RevocationRow,
];
