import { brokerVerifier, hashSecret, newSecret, type DerivedKeys } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { randomInt } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { audit } from './audit';
import { requestRevocation } from './revocations';

/** What a person types into a robot, or its installer reads out. */
export interface EnrolmentCode {
  /** Two groups of four, e.g. `K7QM-3XAD`. */
  code: string;
  expiresAt: Date;
}

/** A key that was made beside the older ones, and does not replace them yet. */
export interface OfferedKey {
  id: string;
  key: string;
}

/** How long a code is good, in minutes. */
const CODE_MINUTES = 10;

/** Without I, L, O, 0 and 1: 31 characters, eight of them are 39.6 bits. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
const CODE_CHARS = 8;

/** How robots get their keys without anybody copying one: one-time codes, and keys that are exchanged while both are good. */
export class Enrolment {
  constructor(
    private readonly database: DataSource,
    private readonly keys: DerivedKeys,
  ) {}

  /**
   * A new code for a robot; the one before is worth nothing.
   * @throws DomainError NOT_FOUND, CONFLICT when the robot is disabled or is of kind legacy
   */
  async issue(robotId: string, actor: string): Promise<EnrolmentCode> {
    const code = newCode();
    return this.database.transaction(async (tx) => {
      await lockRobot(tx, robotId);
      const rows = await tx.query<{ expiresAt: Date }[]>(
        `INSERT INTO enrolment_codes (robot_id, hash, created_by, expires_at)
           VALUES ($1, $2, $3, now() + $4 * interval '1 minute')
         ON CONFLICT (robot_id) DO UPDATE SET hash = excluded.hash, created_by = excluded.created_by,
           created_at = now(), expires_at = excluded.expires_at, used_at = NULL
         RETURNING expires_at AS "expiresAt"`,
        [robotId, this.hash(code), actor, CODE_MINUTES],
      );
      await audit(tx, { actor, action: 'robot.enrolment-code', target: robotId });
      return { code, expiresAt: rows[0].expiresAt };
    });
  }

  /**
   * Exchanges a code for a new key; older keys of the robot stop working. Good once.
   * @param from address of who shows the code, for the audit log
   * @returns undefined for a code that is wrong, used or too old, or of a disabled robot: nobody learns which
   */
  async redeem(code: string, from: string): Promise<{ robotId: string; key: string } | undefined> {
    return this.database.transaction(async (tx) => {
      const [rows] = await tx.query<[{ robotId: string }[], number]>(
        `UPDATE enrolment_codes c SET used_at = now() FROM robots r
           WHERE c.hash = $1 AND c.used_at IS NULL AND c.expires_at > now() AND r.id = c.robot_id AND r.disabled_at IS NULL
           RETURNING c.robot_id AS "robotId"`,
        [this.hash(code)],
      );
      const robotId = rows.at(0)?.robotId;
      if (robotId === undefined) {
        await audit(tx, {
          actor: 'anybody',
          action: 'robot.enrol',
          target: '-',
          outcome: 'denied',
          details: { from },
        });
        return undefined;
      }
      await lockRobot(tx, robotId);
      await tx.query('UPDATE stream_keys SET revoked_at = now() WHERE robot_id = $1 AND revoked_at IS NULL', [
        robotId,
      ]);
      const { key } = await this.insertKey(tx, robotId);
      await audit(tx, { actor: robotId, action: 'robot.enrol', target: robotId, details: { from } });
      const reason = 'the robot was enrolled anew';
      await requestRevocation(tx, { kind: 'robot', subject: robotId, reason, requestedBy: robotId });
      return { robotId, key };
    });
  }

  /** A further key, good beside the older ones until it is confirmed. @throws DomainError NOT_FOUND, CONFLICT */
  async offerKey(robotId: string, actor: string): Promise<OfferedKey> {
    return this.database.transaction(async (tx) => {
      await lockRobot(tx, robotId);
      const offered = await this.insertKey(tx, robotId);
      await audit(tx, {
        actor,
        action: 'robot.offer-key',
        target: robotId,
        details: { keyId: offered.id },
      });
      return offered;
    });
  }

  /** The robot holds the new key: all others end after the grace. @returns when */
  async confirmKey(
    robotId: string,
    keyId: string,
    { graceMs, actor }: { graceMs: number; actor: string },
  ): Promise<Date> {
    return this.database.transaction(async (tx) => {
      const [{ until }] = await tx.query<{ until: Date }[]>(`SELECT now() + $1 * interval '1 ms' AS until`, [
        graceMs,
      ]);
      await tx.query(
        `UPDATE stream_keys SET expires_at = least(expires_at, $3::timestamptz)
           WHERE robot_id = $1 AND id <> $2 AND revoked_at IS NULL`,
        [robotId, keyId, until],
      );
      await audit(tx, { actor, action: 'robot.confirm-key', target: robotId, details: { keyId } });
      return until;
    });
  }

  /** The robot did not take the key. */
  async withdrawKey(robotId: string, keyId: string, actor: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query('UPDATE stream_keys SET revoked_at = now() WHERE id = $1 AND robot_id = $2', [
        keyId,
        robotId,
      ]);
      await audit(tx, { actor, action: 'robot.withdraw-key', target: robotId, details: { keyId } });
    });
  }

  private async insertKey(tx: EntityManager, robotId: string): Promise<OfferedKey> {
    const key = newSecret('rk');
    const rows = await tx.query<{ id: string }[]>(
      'INSERT INTO stream_keys (robot_id, hash, broker_verifier) VALUES ($1, $2, $3) RETURNING id',
      [robotId, hashSecret(this.keys, key), brokerVerifier(key)],
    );
    return { id: rows[0].id, key };
  }

  private hash(code: string): Buffer {
    return hashSecret(this.keys, `enrolment ${plain(code)}`);
  }
}

function newCode(): string {
  const text = Array.from({ length: CODE_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

/** As people type it: small letters, blanks and dashes make no difference. */
const plain = (code: string): string => code.toUpperCase().replace(/[\s-]/g, '');

async function lockRobot(tx: EntityManager, robotId: string): Promise<void> {
  const rows = await tx.query<{ kind: string; disabled: boolean }[]>(
    'SELECT kind, disabled_at IS NOT NULL AS disabled FROM robots WHERE id = $1 FOR UPDATE',
    [robotId],
  );
  const robot = rows.at(0);
  if (!robot) throw new DomainError('NOT_FOUND', `there is no robot ${robotId}`);
  if (robot.disabled) throw new DomainError('CONFLICT', `robot ${robotId} is disabled`);
  if (robot.kind === 'legacy')
    throw new DomainError('CONFLICT', `robot ${robotId} is of kind legacy, which cannot enrol`);
}
