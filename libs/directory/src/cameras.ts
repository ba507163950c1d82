import { open, seal, type DerivedKeys } from '@rovercast/access';
import { DomainError, ID_PATTERN, isId } from '@rovercast/contracts';
import type { DataSource, EntityManager } from 'typeorm';
import { audit } from './audit';
import { badField, isUniqueViolation } from './failures';

/** A source that the media server pulls. */
export interface Camera {
  id: string;
  name: string;
  group: string | null;
  /** Its URL, credentials masked. */
  source: string;
  ownerId: string | null;
  createdAt: Date;
}

/** A source's URL, checked by the caller, and the form in which it may be shown. */
export interface CameraSource {
  url: string;
  shown: string;
}

export interface NewCamera {
  id: string;
  name?: string;
  group?: string | null;
  source: CameraSource;
  ownerId?: string | null;
}

export type CameraChange = Partial<Pick<NewCamera, 'name' | 'group' | 'source'>>;

/** What the media server should hold of one camera. */
export interface WantedSource {
  id: string;
  /** With its credentials; undefined when it was sealed with keys that we do not have. */
  url: string | undefined;
}

const COLUMNS = `id, name, group_name AS "group", source_shown AS source, owner_id AS "ownerId", created_at AS "createdAt"`;

/** The path of a camera. */
export const cameraPath = (id: string): string => `cameras/${id}`;

/** The camera table. Sources are sealed; every change is audited in its own transaction, sources masked. */
export class Cameras {
  /** @param keys the newest first: it seals, all of them open */
  constructor(
    private readonly database: DataSource,
    private readonly keys: DerivedKeys[],
  ) {}

  /**
   * Adds a camera and gives its owner the right to see and to change it.
   * @throws DomainError INVALID_INPUT, CONFLICT when the id is taken
   */
  async create(camera: NewCamera, actor: string): Promise<Camera> {
    const { id, source, ownerId = null } = camera;
    if (!isId(id)) throw badField('id', `id must match ${ID_PATTERN.source}`);
    try {
      return await this.database.transaction(async (tx) => {
        await tx.query('DELETE FROM cameras WHERE id = $1 AND deleted_at IS NOT NULL', [id]);
        const rows = await tx.query<Camera[]>(
          `INSERT INTO cameras (id, name, group_name, source_sealed, source_shown, owner_id) VALUES ($1, $2, $3, $4, $5, $6)
             RETURNING ${COLUMNS}`,
          [
            id,
            camera.name ?? id,
            camera.group ?? null,
            seal(this.keys[0], source.url),
            source.shown,
            ownerId,
          ],
        );
        if (ownerId !== null) await grantOwner(tx, ownerId, id);
        await audit(tx, { actor, action: 'camera.create', target: id, details: { source: source.shown } });
        return rows[0];
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new DomainError('CONFLICT', `there is a camera ${id} already`);
      throw error;
    }
  }

  /** Page of cameras by id, after `after`. */
  list(page: { limit: number; after: string | null }): Promise<Camera[]> {
    return this.database.query<Camera[]>(
      `SELECT ${COLUMNS} FROM cameras WHERE deleted_at IS NULL AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $1`,
      [page.limit, page.after],
    );
  }

  async find(id: string): Promise<Camera | undefined> {
    const rows = await this.database.query<Camera[]>(
      `SELECT ${COLUMNS} FROM cameras WHERE id = $1 AND deleted_at IS NULL`,
      [id],
    );
    return rows.at(0);
  }

  /** A group of null takes the camera out of its group. @throws DomainError NOT_FOUND */
  async update(id: string, { name, group, source }: CameraChange, actor: string): Promise<Camera> {
    return this.database.transaction(async (tx) => {
      const [rows] = await tx.query<[Camera[], number]>(
        `UPDATE cameras SET name = coalesce($2, name), group_name = CASE WHEN $3 THEN $4 ELSE group_name END,
           changed_at = clock_timestamp()
         WHERE id = $1 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
        [id, name ?? null, group !== undefined, group ?? null],
      );
      if (rows.length === 0) throw noSuchCamera(id);
      if (source) {
        await tx.query('UPDATE cameras SET source_sealed = $2, source_shown = $3 WHERE id = $1', [
          id,
          seal(this.keys[0], source.url),
          source.shown,
        ]);
      }
      const details = { name, group, source: source?.shown };
      await audit(tx, { actor, action: 'camera.update', target: id, details });
      return { ...rows[0], ...(source && { source: source.shown }) };
    });
  }

  /** Forgets the source, and every right that named this camera alone. @throws DomainError NOT_FOUND */
  async remove(id: string, actor: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const [, count] = await tx.query<[unknown[], number]>(
        `UPDATE cameras SET deleted_at = clock_timestamp(), source_sealed = NULL, source_shown = NULL
           WHERE id = $1 AND deleted_at IS NULL`,
        [id],
      );
      if (count === 0) throw noSuchCamera(id);
      await tx.query('DELETE FROM grants WHERE pattern = $1', [cameraPath(id)]);
      await audit(tx, { actor, action: 'camera.delete', target: id });
    });
  }

  /** What the media server should hold, and the ids of cameras that are gone. */
  async sources(): Promise<{ wanted: WantedSource[]; gone: string[] }> {
    const rows = await this.database.query<{ id: string; sealed: Buffer | null }[]>(
      'SELECT id, source_sealed AS sealed FROM cameras ORDER BY id',
    );
    return {
      wanted: rows.flatMap(({ id, sealed }) => (sealed ? [{ id, url: this.unseal(sealed) }] : [])),
      gone: rows.flatMap(({ id, sealed }) => (sealed ? [] : [id])),
    };
  }

  private unseal(sealed: Buffer): string | undefined {
    for (const keys of this.keys) {
      try {
        return open(keys, sealed);
      } catch {
        // sealed with other keys
      }
    }
    return undefined;
  }
}

async function grantOwner(tx: EntityManager, ownerId: string, id: string): Promise<void> {
  await tx.query(
    `INSERT INTO grants (user_id, action, pattern) SELECT $1, action, $2 FROM unnest(ARRAY['read', 'control']) AS action
       ON CONFLICT DO NOTHING`,
    [ownerId, cameraPath(id)],
  );
}

const noSuchCamera = (id: string): DomainError => new DomainError('NOT_FOUND', `there is no camera ${id}`);
