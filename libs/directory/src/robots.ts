import { brokerVerifier, hashSecret, isStreamKey, newSecret, type DerivedKeys } from '@rovercast/access';
import { DomainError, ID_PATTERN, isId, MAIN_CAMERA } from '@rovercast/contracts';
import type { RobotKind } from '@rovercast/database';
import type { DataSource, EntityManager } from 'typeorm';
import { audit } from './audit';
import { badField, brokenConstraint, isUniqueViolation } from './failures';
import { requestRevocation } from './revocations';

export interface Robot {
  id: string;
  name: string;
  kind: RobotKind;
  cameras: string[];
  legacyTopic: string | null;
  ownerId: string | null;
  disabledAt: Date | null;
  lastSeenAt: Date | null;
  createdAt: Date;
}

export interface NewRobot {
  id: string;
  name?: string;
  kind?: RobotKind;
  cameras?: string[];
  legacyTopic?: string | null;
  ownerId?: string | null;
  /** A key that exists already, for demos; made when left out. */
  key?: string;
}

export type RobotChange = Partial<Pick<Robot, 'name' | 'cameras'>> & { disabled?: boolean };

const COLUMNS = `id, name, kind, cameras, legacy_topic AS "legacyTopic", owner_id AS "ownerId", disabled_at AS "disabledAt",
  last_seen_at AS "lastSeenAt", created_at AS "createdAt"`;

/** Topics that a gateway may publish bare orders to (libs/contracts topic rights). */
const LEGACY_TOPIC_FORM = /^(robot|legacy)(\/[A-Za-z0-9_-]+)+$/;

/** The robot table and the robots' keys. Every change is audited in its own transaction. */
export class Robots {
  constructor(
    private readonly database: DataSource,
    private readonly keys: DerivedKeys,
  ) {}

  /**
   * Registers a robot and gives its owner the right to see and to drive it.
   * @returns the robot and its key, which is shown this once
   * @throws DomainError INVALID_INPUT, CONFLICT when the id is taken
   */
  async create(robot: NewRobot, actor: string): Promise<{ robot: Robot; key: string }> {
    const row = checked(robot);
    const key = robot.key ?? newSecret('rk');
    try {
      return await this.database.transaction(async (tx) => {
        const rows = await tx.query<Robot[]>(
          `INSERT INTO robots (id, name, kind, cameras, legacy_topic, owner_id) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`,
          [row.id, row.name, row.kind, row.cameras, row.legacyTopic, row.ownerId],
        );
        await this.insertKey(tx, row.id, key);
        if (row.ownerId !== null) await grantOwner(tx, row.ownerId, row.id);
        await audit(tx, { actor, action: 'robot.create', target: row.id, details: { kind: row.kind } });
        return { robot: rows[0], key };
      });
    } catch (error) {
      const constraint = brokenConstraint(error);
      if (constraint === 'robots_owner_id_fkey') throw badField('ownerId', 'ownerId is no user');
      if (constraint === 'stream_keys_hash_key')
        throw new DomainError('CONFLICT', 'the key is in use already');
      if (isUniqueViolation(error)) throw new DomainError('CONFLICT', `there is a robot ${row.id} already`);
      throw error;
    }
  }

  /** Page of robots by id, after `cursor`. */
  async list(page: { limit: number; after: string | null }): Promise<Robot[]> {
    return this.database.query<Robot[]>(
      `SELECT ${COLUMNS} FROM robots WHERE $2::text IS NULL OR id > $2 ORDER BY id LIMIT $1`,
      [page.limit, page.after],
    );
  }

  async find(id: string): Promise<Robot | undefined> {
    const rows = await this.database.query<Robot[]>(`SELECT ${COLUMNS} FROM robots WHERE id = $1`, [id]);
    return rows.at(0);
  }

  /** @throws DomainError NOT_FOUND, INVALID_INPUT */
  async update(id: string, change: RobotChange, actor: string): Promise<Robot> {
    if (change.cameras) checkCameras(change.cameras);
    return this.database.transaction(async (tx) => {
      const before = await tx.query<{ disabledAt: Date | null }[]>(
        'SELECT disabled_at AS "disabledAt" FROM robots WHERE id = $1 FOR UPDATE',
        [id],
      );
      const [rows] = await tx.query<[Robot[], number]>(
        `UPDATE robots SET name = coalesce($2, name), cameras = coalesce($3, cameras),
           disabled_at = CASE WHEN $4::boolean THEN coalesce(disabled_at, now()) WHEN NOT $4::boolean THEN NULL ELSE disabled_at END
         WHERE id = $1 RETURNING ${COLUMNS}`,
        [id, change.name ?? null, change.cameras ?? null, change.disabled ?? null],
      );
      if (rows.length === 0) throw noSuchRobot(id);
      await audit(tx, { actor, action: 'robot.update', target: id, details: { ...change } });
      if (before[0].disabledAt === null && rows[0].disabledAt !== null)
        await cut(tx, id, 'the robot was disabled', actor);
      return rows[0];
    });
  }

  /** @throws DomainError NOT_FOUND */
  async remove(id: string, actor: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const [, count] = await tx.query<[unknown[], number]>('DELETE FROM robots WHERE id = $1', [id]);
      if (count === 0) throw noSuchRobot(id);
      await removeGrants(tx, id, actor);
      await audit(tx, { actor, action: 'robot.delete', target: id });
      await cut(tx, id, 'the robot was deleted', actor);
    });
  }

  /** A new key; the old ones stop working. @throws DomainError NOT_FOUND */
  async rotateKey(id: string, actor: string): Promise<string> {
    const key = newSecret('rk');
    await this.database.transaction(async (tx) => {
      const rows = await tx.query<unknown[]>('SELECT 1 FROM robots WHERE id = $1 FOR UPDATE', [id]);
      if (rows.length === 0) throw noSuchRobot(id);
      await tx.query('UPDATE stream_keys SET revoked_at = now() WHERE robot_id = $1 AND revoked_at IS NULL', [
        id,
      ]);
      await this.insertKey(tx, id, key);
      await audit(tx, { actor, action: 'robot.rotate-key', target: id });
      await cut(tx, id, 'the key was rotated', actor);
    });
    return key;
  }

  async seen(id: string): Promise<void> {
    await this.database.query('UPDATE robots SET last_seen_at = now() WHERE id = $1', [id]);
  }

  private async insertKey(tx: EntityManager, robotId: string, key: string): Promise<void> {
    await tx.query('INSERT INTO stream_keys (robot_id, hash, broker_verifier) VALUES ($1, $2, $3)', [
      robotId,
      hashSecret(this.keys, key),
      brokerVerifier(key),
    ]);
  }
}

/** Asks for the robot's sessions to be cut. */
async function cut(tx: EntityManager, robotId: string, reason: string, actor: string): Promise<void> {
  await requestRevocation(tx, { kind: 'robot', subject: robotId, reason, requestedBy: actor });
}

/** The rights to a robot go with it, and what was opened or handed out with them. */
async function removeGrants(tx: EntityManager, robotId: string, actor: string): Promise<void> {
  const why = { reason: 'the robot was deleted', requestedBy: actor };
  const [grants] = await tx.query<[{ id: string }[], number]>(
    'DELETE FROM grants WHERE pattern = $1 RETURNING id',
    [`robots/${robotId}/**`],
  );
  for (const grant of grants) await requestRevocation(tx, { kind: 'grant', subject: grant.id, ...why });
  const [families] = await tx.query<[{ id: string }[], number]>(
    `UPDATE ticket_families SET revoked_at = now()
       WHERE (path = $1 OR starts_with(path, $1 || '/')) AND revoked_at IS NULL RETURNING id`,
    [`robots/${robotId}`],
  );
  for (const { id } of families) await requestRevocation(tx, { kind: 'ticket-family', subject: id, ...why });
}

async function grantOwner(tx: EntityManager, ownerId: string, robotId: string): Promise<void> {
  await tx.query(
    `INSERT INTO grants (user_id, action, pattern) SELECT $1, action, $2 FROM unnest(ARRAY['read', 'control']) AS action
       ON CONFLICT DO NOTHING`,
    [ownerId, `robots/${robotId}/**`],
  );
}

function checked(robot: NewRobot): Required<Omit<NewRobot, 'key'>> {
  const kind = robot.kind ?? 'agent';
  const cameras = robot.cameras ?? [MAIN_CAMERA];
  const legacyTopic = robot.legacyTopic ?? null;
  if (robot.key !== undefined && !isStreamKey(robot.key)) {
    throw badField('key', 'key must be rk_ and 43 URL-safe characters');
  }
  if (!isId(robot.id)) throw badField('id', `id must match ${ID_PATTERN.source}`);
  checkCameras(cameras);
  if ((kind === 'legacy') !== (legacyTopic !== null)) {
    throw badField('legacyTopic', 'legacyTopic must be given for a robot of kind legacy, and for no other');
  }
  if (legacyTopic !== null && (legacyTopic.length > 128 || !LEGACY_TOPIC_FORM.test(legacyTopic))) {
    throw badField(
      'legacyTopic',
      'legacyTopic must begin with robot/ or legacy/, have no wildcards and at most 128 characters',
    );
  }
  return {
    id: robot.id,
    name: robot.name ?? robot.id,
    kind,
    cameras,
    legacyTopic,
    ownerId: robot.ownerId ?? null,
  };
}

function checkCameras(cameras: string[]): void {
  const unique = new Set(cameras).size === cameras.length;
  if (cameras.length === 0 || cameras.length > 16 || !unique || !cameras.every(isId)) {
    throw badField('cameras', `cameras must be 1 to 16 different names that match ${ID_PATTERN.source}`);
  }
}

const noSuchRobot = (id: string): DomainError => new DomainError('NOT_FOUND', `there is no robot ${id}`);
