import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { RECENT_STREAMS, type RecentStream } from './wake.rules';

/** What Postgres knows about a camera that somebody waits for. */
@Injectable()
export class WakeRepository {
  constructor(private readonly database: DataSource) {}

  /** The camera's last live periods, newest first. */
  recent(robotId: string, camera: string): Promise<RecentStream[]> {
    return this.database.query<RecentStream[]>(
      `SELECT (extract(epoch FROM clock_timestamp() - CASE state WHEN 'stopping' THEN changed_at ELSE ended_at END) * 1000)::float8
           AS "outForMs",
         state = 'failed' AND live_at IS NULL AS "neverCame"
       FROM streams WHERE robot_id = $1 AND camera = $2 ORDER BY requested_at DESC LIMIT $3`,
      [robotId, camera, RECENT_STREAMS],
    );
  }

  /** The user of that name; null when it is the name of something else. */
  async userId(username: string): Promise<string | null> {
    const rows = await this.database.query<{ id: string }[]>('SELECT id FROM users WHERE username = $1', [
      username,
    ]);
    return rows.at(0)?.id ?? null;
  }
}
