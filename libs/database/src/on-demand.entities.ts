import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A source that the media server pulls on the path `cameras/<id>` while somebody watches. */
@Entity('cameras')
@Check('cameras_id_check', `id ~ '^[A-Za-z0-9_-]{1,64}$'`)
@Check(
  'cameras_source_check',
  `(deleted_at IS NULL) = (source_sealed IS NOT NULL) AND (deleted_at IS NULL) = (source_shown IS NOT NULL)`,
)
export class CameraRow {
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  name: string;

  /** For people: what it is listed under. */
  @Column('text', { name: 'group_name', nullable: true })
  groupName: string | null;

  /** The URL with its credentials, see `seal` of libs/access. */
  @Column('bytea', { name: 'source_sealed', nullable: true })
  sourceSealed: Buffer | null;

  /** The URL as it may be shown: credentials masked. */
  @Column('text', { name: 'source_shown', nullable: true })
  sourceShown: string | null;

  @Index('cameras_owner_id_idx')
  @ForeignKey('UserRow', { name: 'cameras_owner_id_fkey', onDelete: 'SET NULL' })
  @Column('uuid', { name: 'owner_id', nullable: true })
  ownerId: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('timestamptz', { name: 'changed_at', default: () => 'now()' })
  changedAt: Date;

  /**
   * The row stays as a sign that its path may be taken off the media server: an emptied table takes nothing off. Null while the
   * camera is there.
   */
  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt: Date | null;
}

export const ON_DEMAND_ENTITIES = [CameraRow];
