import { Injectable } from '@nestjs/common';
import { LEASE_TTL_MS, type StreamCause, type StreamProfile } from '@rovercast/contracts';
import type { StreamState } from '@rovercast/database';
import { DataSource } from 'typeorm';

export interface Stream {
  id: string;
  robotId: string;
  camera: string;
  path: string;
  state: StreamState;
  cause: StreamCause | null;
  detail: string | null;
  requestedAt: Date;
  leaseUntil: Date;
  liveAt: Date | null;
  endedAt: Date | null;
}

/** What a robot is to be told about one camera. */
export interface Wish {
  robotId: string;
  camera: string;
  version: number;
  state: 'on' | 'off';
  sessionId: string | null;
  requestId: string;
  cause: StreamCause | null;
  profile: StreamProfile | null;
  /** Where a robot of kind legacy listens; null for one with an agent. */
  legacyTopic: string | null;
}

interface OpenRequest {
  id: string;
  robotId: string;
  camera: string;
  path: string;
  userId: string | null;
  leaseMs: number;
  requestId: string;
  profile: StreamProfile | null;
}

interface CloseRequest {
  id: string;
  cause: StreamCause;
  /** Of the wish to be off. */
  requestId: string;
  /** It ended by a fault, and at once; otherwise it is stopping. */
  failed: boolean;
  detail?: string;
}

const STREAM = `id, robot_id AS "robotId", camera, path, state, cause, detail, requested_at AS "requestedAt",
  lease_until AS "leaseUntil", live_at AS "liveAt", ended_at AS "endedAt"`;
const WISH = `w.robot_id AS "robotId", w.camera, w.version::float8 AS version, w.state, w.session_id AS "sessionId",
  w.request_id AS "requestId", w.cause, w.profile,
  (SELECT legacy_topic FROM robots r WHERE r.id = w.robot_id) AS "legacyTopic"`;

/** Streams and wishes in Postgres. */
@Injectable()
export class StreamsRepository {
  constructor(private readonly database: DataSource) {}

  /** Opens a stream, or finds the one that is open already (`fresh` false, lease prolonged). */
  async open(request: OpenRequest): Promise<{ streamId: string; fresh: boolean; version: number }> {
    const { id, robotId, camera, path, userId, leaseMs, requestId, profile } = request;
    const rows = await this.database.query<{ streamId: string; fresh: boolean; version: number }[]>(
      `SELECT stream_id AS "streamId", fresh, version::float8 AS version FROM open_stream($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        id,
        robotId,
        camera,
        path,
        userId,
        leaseMs,
        requestId,
        profile === null ? null : JSON.stringify(profile),
        LEASE_TTL_MS,
      ],
    );
    return rows[0];
  }

  /** Takes a stream out of service, see `close_stream` in the migrations. @returns whether it was in service */
  async close({ id, cause, requestId, failed, detail }: CloseRequest): Promise<boolean> {
    const rows = await this.database.query<{ version: string | null }[]>(
      'SELECT close_stream($1, $2, $3, $4, $5) AS version',
      [id, cause, detail ?? null, failed, requestId],
    );
    return rows[0].version !== null;
  }

  /** The robot has taken the order. */
  async accepted(id: string): Promise<void> {
    await this.database.query('SELECT accept_stream($1)', [id]);
  }

  /** The robot has stopped as it was told. */
  async stopped(id: string): Promise<void> {
    await this.database.query(
      `UPDATE streams SET state = 'stopped', ended_at = clock_timestamp() WHERE id = $1 AND state = 'stopping'`,
      [id],
    );
  }

  /** @returns the open stream whose lease is now longer, if there is one */
  async prolong(path: string, leaseMs: number): Promise<Stream | undefined> {
    const [rows] = await this.database.query<[Stream[], number]>(
      `UPDATE streams SET lease_until = greatest(lease_until, clock_timestamp() + $2 * interval '1 ms')
         WHERE path = $1 AND ended_at IS NULL AND state <> 'stopping' RETURNING ${STREAM}`,
      [path, leaseMs],
    );
    return rows.at(0);
  }

  async find(id: string): Promise<Stream | undefined> {
    const rows = await this.database.query<Stream[]>(`SELECT ${STREAM} FROM streams WHERE id = $1`, [id]);
    return rows.at(0);
  }

  /** The newest stream of a camera, open or ended. */
  async newest(robotId: string, camera: string): Promise<Stream | undefined> {
    const rows = await this.database.query<Stream[]>(
      `SELECT ${STREAM} FROM streams WHERE robot_id = $1 AND camera = $2 ORDER BY requested_at DESC LIMIT 1`,
      [robotId, camera],
    );
    return rows.at(0);
  }

  /** Open streams by id, after `after`. */
  async listOpen(limit: number, after: string | null): Promise<Stream[]> {
    return this.database.query<Stream[]>(
      `SELECT ${STREAM} FROM streams WHERE ended_at IS NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $1`,
      [limit, after],
    );
  }

  async wish(robotId: string, camera: string): Promise<Wish | undefined> {
    const rows = await this.database.query<Wish[]>(
      `SELECT ${WISH} FROM stream_wishes w WHERE w.robot_id = $1 AND w.camera = $2`,
      [robotId, camera],
    );
    return rows.at(0);
  }

  /**
   * Renews the leases of all streams that should run, and answers their wishes. A stream that was not renewed for longer than a
   * lease has ended at its robot; it is not brought back for people who have gone.
   */
  async renew(): Promise<Wish[]> {
    const [rows] = await this.database.query<[Wish[], number]>(
      `UPDATE streams s SET renewed_at = clock_timestamp() FROM stream_wishes w
         WHERE w.session_id = s.id AND w.state = 'on' AND s.ended_at IS NULL AND s.state <> 'stopping'
           AND s.renewed_at > clock_timestamp() - $1 * interval '1 ms'
         RETURNING ${WISH}`,
      [LEASE_TTL_MS],
    );
    return rows;
  }
}
