import { Inject, Injectable, Logger } from '@nestjs/common';
import { hashSecret, type DerivedKeys } from '@rovercast/access';
import {
  DomainError,
  streamPath,
  type RobotReply,
  type SnapshotEvent,
  type SnapshotOrder,
} from '@rovercast/contracts';
import { Robots, type Robot } from '@rovercast/directory';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { may, requireRight } from '../access';
import { RobotLink } from '../fleet/robot-link';
import { GatewaySettings } from '../gateway.settings';
import { DERIVED_KEYS } from '../keys';
import type { Caller } from '../session/caller';
import { isJpeg } from './jpeg.rules';
import { SnapshotsRepository, type Snapshot } from './snapshots.repository';

/** How long a caller waits for the picture, and how long it may be uploaded, in milliseconds. */
const WAIT_MS = 10_000;
const UPLOAD_WITHIN_MS = 30_000;

/** The picture may arrive at another gateway process, which tells nobody but Postgres. */
const LOOK_EVERY_MS = 500;

/** Pictures of one robot that may be awaited at a time. */
const MAX_AWAITED = 4;

/** Orders pictures from robots, takes them in and shows them. */
@Injectable()
export class SnapshotsService {
  private readonly log = new Logger(SnapshotsService.name);
  private readonly news = new EventEmitter().setMaxListeners(0);

  constructor(
    private readonly snapshots: SnapshotsRepository,
    private readonly robots: Robots,
    private readonly link: RobotLink,
    private readonly settings: GatewaySettings,
    @Inject(DERIVED_KEYS) private readonly keys: DerivedKeys,
  ) {}

  /**
   * Orders a picture; the robot has said that it will try.
   * @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT, TOO_MANY_REQUESTS, BROKER_UNREACHABLE, ROBOT_OFFLINE, ROBOT_TIMEOUT,
   *   ROBOT_REJECTED, ROBOT_BUSY
   */
  async order(caller: Caller, robotId: string, camera: string): Promise<Snapshot> {
    await this.photographable(caller, robotId, camera);
    if ((await this.snapshots.awaited(robotId)) >= MAX_AWAITED) {
      throw new DomainError('TOO_MANY_REQUESTS', `robot ${robotId} owes ${MAX_AWAITED} pictures already`, {
        retryAfterSeconds: 5,
      });
    }
    const token = randomBytes(32).toString('base64url');
    const requestedBy = caller.username;
    const tokenHash = this.hash(token);
    const snapshot = await this.snapshots.request({
      robotId,
      camera,
      requestedBy,
      tokenHash,
      uploadWithinMs: UPLOAD_WITHIN_MS,
    });
    try {
      requireObedience(await this.send(snapshot, token), robotId);
    } catch (error) {
      await this.snapshots.fail(snapshot.id, robotId, (error as Error).message);
      throw error;
    }
    return snapshot;
  }

  /** The picture, as soon as it is here. @throws DomainError ROBOT_TIMEOUT, ROBOT_REJECTED when the robot failed */
  async arrival(id: string): Promise<Buffer> {
    const giveUpAt = performance.now() + WAIT_MS;
    for (;;) {
      const change = once(this.news, id, { signal: AbortSignal.timeout(LOOK_EVERY_MS) }).catch(
        () => undefined,
      );
      const snapshot = await this.snapshots.find(id);
      const image = snapshot?.takenAt ? await this.snapshots.image(id) : undefined;
      if (image) return image;
      if (!snapshot || snapshot.failure !== null) {
        throw new DomainError('ROBOT_REJECTED', `there is no picture: ${snapshot?.failure ?? 'it is gone'}`);
      }
      if (performance.now() > giveUpAt) {
        throw new DomainError('ROBOT_TIMEOUT', 'no picture arrived in time', { details: { snapshotId: id } });
      }
      await change;
    }
  }

  /** @throws DomainError UNAUTHENTICATED, UNSUPPORTED_MEDIA_TYPE when the bytes are no JPEG */
  async upload(id: string, token: string, image: Buffer): Promise<void> {
    if (!isJpeg(image)) throw new DomainError('UNSUPPORTED_MEDIA_TYPE', 'the picture is no whole JPEG');
    if (!(await this.snapshots.keep(id, this.hash(token), image)))
      throw new DomainError('UNAUTHENTICATED', 'the token is wrong, used or too old');
    this.news.emit(id);
    this.log.log({ msg: 'snapshot arrived', snapshotId: id, sizeBytes: image.length });
  }

  /** Takes in what a robot says became of an order. */
  async heard(robotId: string, { requestId, uploaded, detail }: SnapshotEvent): Promise<void> {
    if (uploaded || !/^[0-9a-f-]{36}$/.test(requestId)) return;
    await this.snapshots.fail(requestId, robotId, detail ?? 'the robot could not take it');
    this.news.emit(requestId);
  }

  /** Those that the caller may watch, newest first. @throws DomainError NOT_FOUND */
  async list(caller: Caller, robotId: string, camera?: string): Promise<Snapshot[]> {
    const robot = await this.robots.find(robotId);
    const visible = robot?.cameras.filter((name) => may(caller, 'read', streamPath(robotId, name))) ?? [];
    if (visible.length === 0) throw new DomainError('NOT_FOUND', `there is no robot ${robotId}`);
    if (camera !== undefined && !visible.includes(camera))
      throw new DomainError('NOT_FOUND', `robot ${robotId} has no camera ${camera}`);
    const all = await this.snapshots.list(robotId);
    return all.filter(
      (one) => visible.includes(one.camera) && (camera === undefined || one.camera === camera),
    );
  }

  /** @throws DomainError NOT_FOUND, also while it is awaited */
  async picture(caller: Caller, id: string): Promise<Buffer> {
    const snapshot = await this.snapshots.find(id);
    const mine = snapshot && may(caller, 'read', streamPath(snapshot.robotId, snapshot.camera));
    const image = mine ? await this.snapshots.image(id) : undefined;
    if (!image) throw new DomainError('NOT_FOUND', `there is no snapshot ${id}`);
    return image;
  }

  urlOf(id: string): string {
    const { gatewayPublicUrl, mediamtxPublicHost, port } = this.settings;
    const base = gatewayPublicUrl ?? `http://${mediamtxPublicHost}:${port}`;
    return `${base.replace(/\/$/, '')}/v1/snapshots/${id}`;
  }

  private send({ id, robotId, camera }: Snapshot, token: string): Promise<RobotReply> {
    const uploadUrl = this.urlOf(id);
    const order: SnapshotOrder = { v: 1, requestId: id, camera, uploadUrl, token, issuedAt: Date.now() };
    return this.link.order(robotId, 'snapshot', order);
  }

  private async photographable(caller: Caller, robotId: string, camera: string): Promise<Robot> {
    const robot = await this.robots.find(robotId);
    if (!robot) throw new DomainError('NOT_FOUND', `there is no robot ${robotId}`);
    const path = streamPath(robotId, camera);
    for (const action of ['read', 'control'] as const) requireRight(caller, action, path, `robot ${robotId}`);
    if (!robot.cameras.includes(camera))
      throw new DomainError('NOT_FOUND', `robot ${robotId} has no camera ${camera}`);
    if (robot.disabledAt !== null) throw new DomainError('CONFLICT', `robot ${robotId} is disabled`);
    if (robot.kind === 'legacy')
      throw new DomainError('CONFLICT', `robot ${robotId} is of kind legacy, which takes no pictures`);
    return robot;
  }

  private hash(token: string): Buffer {
    return hashSecret(this.keys, `snapshot ${token}`);
  }
}

/** @throws DomainError when the robot did not take the order */
function requireObedience({ code, reason, retryAfterMs }: RobotReply, robotId: string): void {
  if (code === 'accepted' || code === 'noop') return;
  if (code === 'busy') {
    throw new DomainError('ROBOT_BUSY', `robot ${robotId} is busy`, {
      retryAfterSeconds: Math.ceil((retryAfterMs ?? 5_000) / 1000),
    });
  }
  throw new DomainError('ROBOT_REJECTED', `robot ${robotId} refused: ${reason ?? code}`, {
    details: { robotCode: code },
  });
}
