import { Injectable } from '@nestjs/common';
import type { AlertEvent, AlertKind } from '@rovercast/contracts';
import { DataSource } from 'typeorm';

export type AlertOutcome = 'recorded' | 'starting' | 'live' | 'not-started';

export interface Alert {
  id: string;
  robotId: string;
  alertId: string;
  camera: string;
  kind: AlertKind;
  confidence: number;
  happenedAt: Date;
  receivedAt: Date;
  outcome: AlertOutcome;
  detail: string | null;
  streamId: string | null;
}

interface NewAlert {
  robotId: string;
  event: AlertEvent;
  outcome: AlertOutcome;
  detail: string | null;
  policyId: string | null;
}

/** Alerts of one robot that are kept. */
const KEPT = 1_000;

const COLUMNS = `id, robot_id AS "robotId", alert_id AS "alertId", camera, kind, confidence, happened_at AS "happenedAt",
  received_at AS "receivedAt", outcome, detail, stream_id AS "streamId"`;

/** Alerts in Postgres; each change is announced on `alert_raised`. */
@Injectable()
export class AlertsRepository {
  constructor(private readonly database: DataSource) {}

  /** @returns its id, or undefined when it was recorded before */
  async record({ robotId, event, outcome, detail, policyId }: NewAlert): Promise<string | undefined> {
    const rows = await this.database.query<{ id: string }[]>(
      `INSERT INTO alerts (robot_id, alert_id, camera, kind, confidence, happened_at, outcome, detail, policy_id)
         VALUES ($1, $2, $3, $4, $5, to_timestamp($6 / 1000.0), $7, $8, $9)
         ON CONFLICT (robot_id, alert_id) DO NOTHING RETURNING id`,
      [
        robotId,
        event.alertId,
        event.camera,
        event.kind,
        event.confidence,
        event.at,
        outcome,
        detail,
        policyId,
      ],
    );
    return rows.at(0)?.id;
  }

  async settle(
    id: string,
    { outcome, detail, streamId }: Pick<Alert, 'outcome' | 'detail' | 'streamId'>,
  ): Promise<void> {
    await this.database.query('UPDATE alerts SET outcome = $2, detail = $3, stream_id = $4 WHERE id = $1', [
      id,
      outcome,
      detail,
      streamId,
    ]);
  }

  /** Forgets what is older than the newest thousand of a robot. */
  async trim(robotId: string): Promise<void> {
    await this.database.query(
      `DELETE FROM alerts WHERE robot_id = $1 AND id <= (
         SELECT id FROM alerts WHERE robot_id = $1 ORDER BY id DESC OFFSET ${KEPT} LIMIT 1)`,
      [robotId],
    );
  }

  /** Newest first, before `before`; of one robot, or of all. */
  async list(page: { robotId: string | null; limit: number; before: string | null }): Promise<Alert[]> {
    return this.database.query<Alert[]>(
      `SELECT ${COLUMNS} FROM alerts WHERE ($1::text IS NULL OR robot_id = $1) AND ($3::bigint IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $2`,
      [page.robotId, page.limit, page.before],
    );
  }
}
