import { Injectable } from '@nestjs/common';
import { DomainError, type AlertKind } from '@rovercast/contracts';
import { audit } from '@rovercast/directory';
import { DataSource } from 'typeorm';
import type { AlertPolicy } from './alert.rules';

export interface StoredAlertPolicy extends AlertPolicy {
  robotId: string;
  kind: AlertKind;
  /** User id, and the name that goes with it. */
  actsForId: string | null;
  actsFor: string | null;
}

export type AlertPolicyChange = Partial<
  Pick<AlertPolicy, 'minConfidence' | 'action' | 'leaseSeconds' | 'enabled'>
>;

type NewAlertPolicy = Omit<AlertPolicy, 'id'> & { robotId: string };

interface Writer {
  id: string;
  username: string;
}

const COLUMNS = `p.id, p.robot_id AS "robotId", p.kind, p.min_confidence AS "minConfidence", p.action,
  p.lease_seconds AS "leaseSeconds", p.enabled, p.acts_for AS "actsForId",
  (SELECT username FROM users u WHERE u.id = p.acts_for) AS "actsFor"`;

/** What to do about alerts, by robot and kind. Every change is audited in its own transaction. */
@Injectable()
export class AlertPoliciesRepository {
  constructor(private readonly database: DataSource) {}

  async list(robotId: string): Promise<StoredAlertPolicy[]> {
    return this.database.query<StoredAlertPolicy[]>(
      `SELECT ${COLUMNS} FROM alert_policies p WHERE p.robot_id = $1 ORDER BY p.kind`,
      [robotId],
    );
  }

  async find(robotId: string, kind: string): Promise<StoredAlertPolicy | undefined> {
    const rows = await this.database.query<StoredAlertPolicy[]>(
      `SELECT ${COLUMNS} FROM alert_policies p WHERE p.robot_id = $1 AND p.kind = $2`,
      [robotId, kind],
    );
    return rows.at(0);
  }

  /** @throws DomainError CONFLICT when there is one of that kind */
  async create(policy: NewAlertPolicy, writer: Writer): Promise<StoredAlertPolicy> {
    const { robotId, kind, minConfidence, action, leaseSeconds, enabled } = policy;
    return this.database.transaction(async (tx) => {
      const rows = await tx.query<StoredAlertPolicy[]>(
        `INSERT INTO alert_policies AS p (robot_id, kind, min_confidence, action, lease_seconds, enabled, acts_for)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (robot_id, kind) DO NOTHING RETURNING ${COLUMNS}`,
        [robotId, kind, minConfidence, action, leaseSeconds, enabled, writer.id],
      );
      if (rows.length === 0)
        throw new DomainError('CONFLICT', `robot ${robotId} has a policy for ${kind} already`);
      await audit(tx, {
        actor: writer.username,
        action: 'alert-policy.create',
        target: robotId,
        details: { ...policy },
      });
      return rows[0];
    });
  }

  /** @throws DomainError NOT_FOUND */
  async update(
    robotId: string,
    id: string,
    change: AlertPolicyChange,
    writer: Writer,
  ): Promise<StoredAlertPolicy> {
    return this.database.transaction(async (tx) => {
      const [rows] = await tx.query<[StoredAlertPolicy[], number]>(
        `UPDATE alert_policies p SET min_confidence = coalesce($3, p.min_confidence), action = coalesce($4, p.action),
           lease_seconds = coalesce($5, p.lease_seconds), enabled = coalesce($6, p.enabled), acts_for = $7
           WHERE p.robot_id = $1 AND p.id = $2 RETURNING ${COLUMNS}`,
        [
          robotId,
          id,
          change.minConfidence ?? null,
          change.action ?? null,
          change.leaseSeconds ?? null,
          change.enabled ?? null,
          writer.id,
        ],
      );
      if (rows.length === 0) throw noSuchPolicy(id);
      await audit(tx, {
        actor: writer.username,
        action: 'alert-policy.update',
        target: robotId,
        details: { id, ...change },
      });
      return rows[0];
    });
  }

  /** @throws DomainError NOT_FOUND */
  async remove(robotId: string, id: string, writer: Writer): Promise<void> {
    await this.database.transaction(async (tx) => {
      const [, count] = await tx.query<[unknown[], number]>(
        'DELETE FROM alert_policies WHERE robot_id = $1 AND id = $2',
        [robotId, id],
      );
      if (count === 0) throw noSuchPolicy(id);
      await audit(tx, {
        actor: writer.username,
        action: 'alert-policy.delete',
        target: robotId,
        details: { id },
      });
    });
  }
}

const noSuchPolicy = (id: string): DomainError =>
  new DomainError('NOT_FOUND', `there is no alert policy ${id}`);
