import { Injectable } from '@nestjs/common';
import type { StreamState } from '@rovercast/database';
import { DataSource } from 'typeorm';

export interface StreamRow {
  id: string;
  robotId: string;
  camera: string;
  path: string;
  state: StreamState;
  cause: string | null;
}

export interface AlertRow {
  id: string;
  robotId: string;
  alertId: string;
  camera: string;
  kind: string;
  confidence: number;
  happenedAt: string;
  streamId: string | null;
}

/** What the events are about, many at a time. */
@Injectable()
export class EventsRepository {
  constructor(private readonly database: DataSource) {}

  /** Those of the streams that are there, by id. */
  async streams(ids: readonly string[]): Promise<Map<string, StreamRow>> {
    if (ids.length === 0) return new Map();
    const rows = await this.database.query<StreamRow[]>(
      `SELECT id, robot_id AS "robotId", camera, path, state, cause FROM streams WHERE id = ANY($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Those of the alerts that are there, by id. */
  async alerts(ids: readonly string[]): Promise<Map<string, AlertRow>> {
    if (ids.length === 0) return new Map();
    const rows = await this.database.query<(Omit<AlertRow, 'happenedAt'> & { happenedAt: Date })[]>(
      `SELECT id, robot_id AS "robotId", alert_id AS "alertId", camera, kind, confidence, happened_at AS "happenedAt",
         stream_id AS "streamId" FROM alerts WHERE id = ANY($1::bigint[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, { ...row, happenedAt: row.happenedAt.toISOString() }]));
  }

  /** The cameras of those of the robots that are there, by robot. */
  async cameras(robotIds: readonly string[]): Promise<Map<string, string[]>> {
    if (robotIds.length === 0) return new Map();
    const rows = await this.database.query<{ id: string; cameras: string[] }[]>(
      'SELECT id, cameras FROM robots WHERE id = ANY($1)',
      [robotIds],
    );
    return new Map(rows.map(({ id, cameras }) => [id, cameras]));
  }
}
