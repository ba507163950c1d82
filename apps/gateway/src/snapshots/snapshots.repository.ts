import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export interface Snapshot {
  id: string;
  robotId: string;
  camera: string;
  requestedBy: string;
  requestedAt: Date;
  takenAt: Date | null;
  sizeBytes: number | null;
  /** Why there will be none. */
  failure: string | null;
}

interface Request {
  robotId: string;
  camera: string;
  requestedBy: string;
  tokenHash: Buffer;
  uploadWithinMs: number;
}

/** Pictures of one camera that are kept. */
const KEPT = 10;

const COLUMNS = `id, robot_id AS "robotId", camera, requested_by AS "requestedBy", requested_at AS "requestedAt",
  taken_at AS "takenAt", octet_length(image) AS "sizeBytes", failure`;

/** Snapshots in Postgres, pictures included. */
@Injectable()
export class SnapshotsRepository {
  constructor(private readonly database: DataSource) {}

  /** How many pictures of a robot are awaited. */
  async awaited(robotId: string): Promise<number> {
    const rows = await this.database.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM snapshots
         WHERE robot_id = $1 AND taken_at IS NULL AND failure IS NULL AND expires_at > now()`,
      [robotId],
    );
    return rows[0].count;
  }

  /** Notes that a picture is asked for; requests of the robot that came to nothing are forgotten. */
  async request({ robotId, camera, requestedBy, tokenHash, uploadWithinMs }: Request): Promise<Snapshot> {
    await this.database.query(
      `DELETE FROM snapshots WHERE robot_id = $1 AND taken_at IS NULL AND expires_at < now() - interval '1 minute'`,
      [robotId],
    );
    const rows = await this.database.query<Snapshot[]>(
      `INSERT INTO snapshots (robot_id, camera, requested_by, token_hash, expires_at)
         VALUES ($1, $2, $3, $4, now() + $5 * interval '1 ms') RETURNING ${COLUMNS}`,
      [robotId, camera, requestedBy, tokenHash, uploadWithinMs],
    );
    return rows[0];
  }

  /** Takes the picture in and forgets the eleventh. @returns false when the token is wrong, used or too old */
  async keep(id: string, tokenHash: Buffer, image: Buffer): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const [rows] = await tx.query<[{ robotId: string; camera: string }[], number]>(
        `UPDATE snapshots SET image = $3, taken_at = clock_timestamp(), token_hash = NULL
           WHERE id = $1 AND token_hash = $2 AND expires_at > now() AND taken_at IS NULL
           RETURNING robot_id AS "robotId", camera`,
        [id, tokenHash, image],
      );
      const taken = rows.at(0);
      if (!taken) return false;
      await tx.query(
        `DELETE FROM snapshots WHERE id IN (
           SELECT id FROM snapshots WHERE robot_id = $1 AND camera = $2 AND taken_at IS NOT NULL
             ORDER BY taken_at DESC OFFSET ${KEPT})`,
        [taken.robotId, taken.camera],
      );
      return true;
    });
  }

  /** The robot, or who ordered it, says that there will be none. */
  async fail(id: string, robotId: string, failure: string): Promise<void> {
    await this.database.query(
      'UPDATE snapshots SET failure = $3 WHERE id = $1 AND robot_id = $2 AND taken_at IS NULL',
      [id, robotId, failure],
    );
  }

  async find(id: string): Promise<Snapshot | undefined> {
    const rows = await this.database.query<Snapshot[]>(`SELECT ${COLUMNS} FROM snapshots WHERE id = $1`, [
      id,
    ]);
    return rows.at(0);
  }

  async image(id: string): Promise<Buffer | undefined> {
    const rows = await this.database.query<{ image: Buffer | null }[]>(
      'SELECT image FROM snapshots WHERE id = $1',
      [id],
    );
    return rows.at(0)?.image ?? undefined;
  }

  /** Those that arrived, newest first. */
  async list(robotId: string): Promise<Snapshot[]> {
    return this.database.query<Snapshot[]>(
      `SELECT ${COLUMNS} FROM snapshots WHERE robot_id = $1 AND taken_at IS NOT NULL ORDER BY taken_at DESC`,
      [robotId],
    );
  }
}
