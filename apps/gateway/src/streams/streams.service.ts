import { Injectable, Logger } from '@nestjs/common';
import {
  ACK_TIMEOUT_MS,
  DomainError,
  streamPath,
  type ReportedStream,
  type RobotReply,
  type StreamCause,
  type StreamProfile,
} from '@rovercast/contracts';
import { Robots, type Robot } from '@rovercast/directory';
import { randomUUID } from 'node:crypto';
import { may, requireRight } from '../access';
import { PresenceRegistry } from '../fleet/presence.registry';
import { AdmissionService, type TakenSlot } from '../quotas/admission.service';
import type { Caller } from '../session/caller';
import { StreamNews } from './stream-news';
import { StreamOrders } from './stream-orders';
import { StreamsRepository, type Stream, type Wish } from './streams.repository';
import type { StartStream, Wait } from './streams.dto';
import { WishKeeper } from './wish-keeper';

/** How long `wait=live` waits; the monitor gives a stream up at the same age. */
const LIVE_TIMEOUT_MS = 15_000;

/** How long a stream that the older bridge started goes on while nobody watches, in milliseconds. */
const BRIDGE_LEASE_MS = 60_000;

const CAUSE_BY_ERROR: Partial<Record<string, StreamCause>> = {
  ROBOT_OFFLINE: 'robot_offline',
  ROBOT_TIMEOUT: 'ack_timeout',
  BROKER_UNREACHABLE: 'broker_unavailable',
};

export interface Started {
  stream: Stream;
  /** False when the stream was open already. */
  fresh: boolean;
}

/** A camera that somebody opened without asking us first. */
export interface Wake {
  /** Of the stream to be. */
  id: string;
  robotId: string;
  camera: string;
  userId: string | null;
  /** For the log. */
  reader: string;
}

interface Opening {
  id: string;
  camera: string;
  profile: StreamProfile | null;
  leaseMs: number;
  userId: string | null;
  username: string;
}

/** Starts, keeps and stops streams: rights, then the wish in Postgres, then the order to the robot. */
@Injectable()
export class StreamsService {
  private readonly log = new Logger(StreamsService.name);

  constructor(
    private readonly robots: Robots,
    private readonly admission: AdmissionService,
    private readonly presence: PresenceRegistry,
    private readonly streams: StreamsRepository,
    private readonly orders: StreamOrders,
    private readonly keeper: WishKeeper,
    private readonly news: StreamNews,
  ) {}

  /**
   * Starts a camera; a repeated start is the same start.
   * @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT (disabled), ROBOT_OFFLINE, ROBOT_TIMEOUT, ROBOT_REJECTED, ROBOT_BUSY,
   *   BROKER_UNREACHABLE, STREAM_TIMEOUT
   */
  async start(caller: Caller, robotId: string, request: StartStream, wait: Wait): Promise<Started> {
    const robot = await this.drivable(caller, robotId, request.camera);
    const { camera, profile, leaseSeconds } = request;
    const who = { userId: caller.id, username: caller.username };
    return this.open(
      robot,
      { id: randomUUID(), camera, profile: profile ?? null, leaseMs: leaseSeconds * 1000, ...who },
      wait,
    );
  }

  /**
   * Starts a camera for somebody whom the door has let in to watch it: that takes no right to drive, and no app holds a lease.
   * Waits for the robot's word.
   * @throws DomainError as `start`; QueryFailedError on `streams_pkey` when there was a stream of that id
   */
  async wake({ id, robotId, camera, userId, reader }: Wake): Promise<Started> {
    const robot = await this.robots.find(robotId);
    if (!robot?.cameras.includes(camera)) {
      throw new DomainError('NOT_FOUND', `there is no camera ${camera} of a robot ${robotId}`);
    }
    return this.open(robot, { id, camera, profile: null, leaseMs: 0, userId, username: reader }, 'ack');
  }

  /**
   * Starts a legacy robot for the older bridge's call, which has asked for no right and sends no heartbeats.
   * @throws DomainError as `start`
   */
  async bridge(robot: Robot, caller: Caller | undefined): Promise<Started> {
    const who = { userId: caller?.id ?? null, username: caller?.username ?? 'anybody' };
    const [camera] = robot.cameras;
    const opening = { id: randomUUID(), camera, profile: null, leaseMs: BRIDGE_LEASE_MS, ...who };
    return this.open(robot, opening, 'ack');
  }

  /** The older bridge's stop. @returns whether there was something to stop @throws DomainError BROKER_UNREACHABLE */
  async unbridge(robot: Robot, caller: Caller | undefined): Promise<boolean> {
    this.requireReachable(robot);
    const [camera] = robot.cameras;
    const open = await this.streams.newest(robot.id, camera);
    if (!open || open.endedAt !== null || !(await this.close(open.id, 'user', { failed: false })))
      return false;
    const user = caller?.username ?? 'anybody';
    this.log.log({ msg: 'stream stopping', robotId: robot.id, camera, streamId: open.id, user });
    await this.tellOff(robot, camera);
    return true;
  }

  /** Stops a camera; stopping what does not run is fine. @returns the newest stream, if there ever was one */
  async stop(caller: Caller, robotId: string, camera: string): Promise<Stream | undefined> {
    const robot = await this.drivable(caller, robotId, camera);
    const open = await this.streams.newest(robotId, camera);
    if (!open || open.endedAt !== null) return open;
    if (await this.close(open.id, 'user', { failed: false })) {
      this.log.log({ msg: 'stream stopping', robotId, camera, streamId: open.id, user: caller.username });
      await this.tellOff(robot, camera);
    }
    return this.streams.find(open.id);
  }

  /** Keeps an open stream alive. @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT when nothing runs */
  async heartbeat(caller: Caller, robotId: string, camera: string, leaseSeconds: number): Promise<Stream> {
    await this.drivable(caller, robotId, camera);
    const stream = await this.streams.prolong(streamPath(robotId, camera), leaseSeconds * 1000);
    if (!stream) throw new DomainError('CONFLICT', `robot ${robotId} does not stream from camera ${camera}`);
    return stream;
  }

  /** The newest stream of a camera that the caller may watch. @throws DomainError NOT_FOUND */
  async newest(caller: Caller, robotId: string, camera: string): Promise<Stream | undefined> {
    await this.knownCamera(caller, robotId, camera);
    return this.streams.newest(robotId, camera);
  }

  /** @throws DomainError NOT_FOUND */
  async get(caller: Caller, id: string): Promise<Stream> {
    const stream = await this.streams.find(id);
    if (!stream || !(may(caller, 'read', stream.path) || may(caller, 'control', stream.path))) {
      throw new DomainError('NOT_FOUND', `there is no stream ${id}`);
    }
    return stream;
  }

  /** Open streams that the caller may watch. */
  async listOpen(
    caller: Caller,
    limit: number,
    after: string | null,
  ): Promise<{ items: Stream[]; nextCursor: string | null }> {
    const items: Stream[] = [];
    let cursor = after;
    for (;;) {
      const batch = await this.streams.listOpen(500, cursor);
      for (const stream of batch) {
        if (!may(caller, 'read', stream.path)) continue;
        if (items.length === limit) return { items, nextCursor: items.at(-1)!.id };
        items.push(stream);
      }
      if (batch.length < 500) return { items, nextCursor: null };
      cursor = batch.at(-1)!.id;
    }
  }

  /** Takes in what a robot says about a camera. */
  async robotReported(robotId: string, camera: string, report: ReportedStream): Promise<void> {
    const stream = await this.streams.newest(robotId, camera);
    if (!stream || stream.endedAt !== null) return;
    const about = report.sessionId === stream.id;
    if (stream.state === 'stopping' && report.state === 'idle') {
      await this.streams.stopped(stream.id);
      return this.admission.stopped(stream.path);
    }
    if (about && report.state === 'failed') {
      const cause = report.cause ?? 'encoder_error';
      this.log.warn({
        msg: 'stream failed at the robot',
        robotId,
        camera,
        streamId: stream.id,
        cause,
        detail: report.detail,
      });
      await this.streams.close({
        id: stream.id,
        cause,
        requestId: randomUUID(),
        failed: true,
        detail: report.detail,
      });
    }
  }

  /** Sends the newest wish of a camera once more, with a fresh ticket: the robot asked. */
  async sendAgain(robotId: string, camera: string): Promise<void> {
    const wish = await this.streams.wish(robotId, camera);
    if (!wish || wish.version === 0) return;
    const reply = await this.orders.tell({ ...wish, requestId: randomUUID() });
    this.log.log({ msg: 'wish sent again', robotId, camera, version: wish.version, code: reply.code });
  }

  private async open(robot: Robot, opening: Opening, wait: Wait): Promise<Started> {
    const { id, camera, profile, leaseMs, userId, username } = opening;
    const robotId = robot.id;
    if (robot.disabledAt !== null) throw new DomainError('CONFLICT', `robot ${robotId} is disabled`);
    this.requireReachable(robot);
    const { legacyTopic } = robot;
    const wish = { robotId, camera, requestId: this.keeper.ownChange(), profile, legacyTopic };
    const path = streamPath(robotId, camera);
    const slot = await this.admission.take({ path, robotId, userId });
    const opened = await this.streams.open({ ...wish, id, path, userId, leaseMs });
    if (opened.fresh) {
      const { version, streamId } = opened;
      this.log.log({ msg: 'stream requested', robotId, camera, streamId, version, user: username });
      await this.bring(
        { ...wish, version, state: 'on', sessionId: streamId, cause: null },
        robot,
        slot,
        wait,
      );
    }
    return { stream: await this.result(opened.streamId, wait), fresh: opened.fresh };
  }

  /** Tells the robot to start, and takes everything back if it will not. */
  private async bring(wish: Wish, robot: Robot, slot: TakenSlot, wait: Wait): Promise<void> {
    const told = this.tellOn(wish, robot).catch(async (error: unknown) => {
      await this.giveUp(wish, robot, error);
      await this.admission.giveBack(slot);
      throw error;
    });
    if (wait === 'none') told.catch(() => undefined);
    else await told;
  }

  private async tellOn(wish: Wish, robot: Robot): Promise<void> {
    requireObedience(await this.orders.tell(wish), robot.id);
    await this.streams.accepted(wish.sessionId as string);
  }

  private async giveUp(wish: Wish, robot: Robot, error: unknown): Promise<void> {
    const cause = causeOf(error);
    this.log.warn({
      msg: 'stream could not be started',
      robotId: robot.id,
      camera: wish.camera,
      streamId: wish.sessionId,
      cause,
    });
    await this.close(wish.sessionId as string, cause, { failed: true, detail: (error as Error).message });
    // A robot that took the order without our hearing of it must not stream on: off, with a higher version.
    await this.tellOff(robot, wish.camera);
  }

  /** Closes a stream of which this process tells the robot itself. */
  private close(id: string, cause: StreamCause, how: { failed: boolean; detail?: string }): Promise<boolean> {
    return this.streams.close({ id, cause, requestId: this.keeper.ownChange(), ...how });
  }

  /** Passes an off on that is in Postgres already; when the robot cannot be told, its lease ends the stream. */
  private async tellOff(robot: Robot, camera: string): Promise<void> {
    try {
      const wish = await this.streams.wish(robot.id, camera);
      if (!wish) return;
      if (robot.kind === 'legacy' || this.presence.isOnline(robot.id)) await this.orders.tell(wish);
      else await this.orders.keep(wish);
    } catch (error) {
      this.log.warn({
        msg: 'robot not told to stop; its lease will end it',
        robotId: robot.id,
        camera,
        error: (error as Error).message,
      });
    }
  }

  private async result(streamId: string, wait: Wait): Promise<Stream> {
    const stream =
      wait === 'live'
        ? await this.news.settled(streamId, LIVE_TIMEOUT_MS)
        : await this.streams.find(streamId);
    if (!stream) throw new DomainError('NOT_FOUND', 'the stream is gone');
    if (wait === 'live' && stream.state !== 'live') throw notLive(stream);
    return stream;
  }

  private requireReachable(robot: Robot): void {
    if (!this.orders.connected) {
      throw new DomainError('BROKER_UNREACHABLE', 'the broker cannot be reached right now', {
        retryAfterSeconds: 2,
      });
    }
    if (robot.kind === 'agent' && !this.presence.isOnline(robot.id)) throw offline(robot.id, 'robot_offline');
  }

  private async drivable(caller: Caller, robotId: string, camera: string): Promise<Robot> {
    const robot = await this.knownCamera(caller, robotId, camera);
    requireRight(caller, 'control', streamPath(robotId, camera), `robot ${robotId}`);
    return robot;
  }

  private async knownCamera(caller: Caller, robotId: string, camera: string): Promise<Robot> {
    const robot = await this.robots.find(robotId);
    const path = streamPath(robotId, camera);
    if (!robot || !(may(caller, 'read', path) || may(caller, 'control', path))) {
      throw new DomainError('NOT_FOUND', `there is no robot ${robotId}`);
    }
    if (!robot.cameras.includes(camera))
      throw new DomainError('NOT_FOUND', `robot ${robotId} has no camera ${camera}`);
    return robot;
  }
}

const offline = (robotId: string, cause: StreamCause): DomainError =>
  new DomainError('ROBOT_OFFLINE', `robot ${robotId} is offline`, {
    details: { cause },
    retryAfterSeconds: 5,
  });

function notLive({ id, state, cause, detail }: Stream): DomainError {
  const why = cause === null ? 'no picture arrived in time' : `it ended: ${detail ?? cause}`;
  return new DomainError('STREAM_TIMEOUT', `the stream is not live: ${why}`, {
    details: { streamId: id, state, cause },
  });
}

function causeOf(error: unknown): StreamCause {
  if (!(error instanceof DomainError)) return 'internal';
  return (error.details.cause as StreamCause | undefined) ?? CAUSE_BY_ERROR[error.code] ?? 'internal';
}

/** @throws DomainError when the robot did not take the order */
function requireObedience(reply: RobotReply, robotId: string): void {
  const { code, reason, retryAfterMs } = reply;
  switch (code) {
    case 'accepted':
    case 'noop':
    case 'renewed':
      return;
    case 'busy':
      throw new DomainError('ROBOT_BUSY', `robot ${robotId} is busy`, {
        details: { cause: 'rejected_busy' },
        retryAfterSeconds: Math.ceil((retryAfterMs ?? ACK_TIMEOUT_MS) / 1000),
      });
    case 'rejected':
    case 'stale':
    case 'expired':
      throw new DomainError('ROBOT_REJECTED', `robot ${robotId} refused: ${reason ?? code}`, {
        details: { cause: 'rejected_invalid', robotCode: code },
      });
  }
}
