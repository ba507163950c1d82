import { Injectable } from '@nestjs/common';
import type { StreamCause } from '@rovercast/contracts';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { OpenStream } from './reconcile.rules';

/** Streams in service, and what a look at the media server changes about them. */
@Injectable()
export class StreamsRepository {
  constructor(private readonly database: DataSource) {}

  /** All of them, and the database's clock, which alone decides about time. */
  async open(): Promise<{ streams: OpenStream[]; now: number }> {
    const rows = await this.database.query<(OpenStream & { now: number })[]>(
      `SELECT id, path, state, ${ms('requested_at')} AS "requestedAt", ${ms('lease_until')} AS "leaseUntil",
         ${ms('idle_since')} AS "idleSince", ${ms('changed_at')} AS "changedAt", ${ms('clock_timestamp()')} AS now
       FROM streams WHERE ended_at IS NULL`,
    );
    return { streams: rows, now: rows.at(0)?.now ?? Date.now() };
  }

  /** @returns milliseconds from the request to the picture, or undefined when the stream had left service */
  async markLive(id: string): Promise<number | undefined> {
    const [rows] = await this.database.query<[{ startMs: number }[], number]>(
      `UPDATE streams SET state = 'live', live_at = clock_timestamp()
         WHERE id = $1 AND state IN ('requested', 'starting')
         RETURNING (extract(epoch FROM live_at - requested_at) * 1000)::float8 AS "startMs"`,
      [id],
    );
    return rows.at(0)?.startMs;
  }

  async markIdle(id: string): Promise<void> {
    await this.database.query(
      `UPDATE streams SET idle_since = clock_timestamp() WHERE id = $1 AND state = 'live'`,
      [id],
    );
  }

  async markWatched(id: string): Promise<void> {
    await this.database.query('UPDATE streams SET idle_since = NULL WHERE id = $1', [id]);
  }

  async markStopped(id: string): Promise<void> {
    await this.database.query(
      `UPDATE streams SET state = 'stopped', ended_at = clock_timestamp()
         WHERE id = $1 AND state = 'stopping'`,
      [id],
    );
  }

  /** See `close_stream` in the migrations; the gateway hears of the changed wish and tells the robot. */
  async close(id: string, cause: StreamCause, { failed }: { failed: boolean }): Promise<void> {
    await this.database.query('SELECT close_stream($1, $2, NULL, $3, $4)', [id, cause, failed, randomUUID()]);
  }
}

const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;
