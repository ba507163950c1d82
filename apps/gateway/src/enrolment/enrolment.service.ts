import { Injectable, Logger } from '@nestjs/common';
import { DomainError, MAIN_CAMERA, streamPath, type RobotReply } from '@rovercast/contracts';
import { Enrolment, Robots, type Robot } from '@rovercast/directory';
import { randomUUID } from 'node:crypto';
import { requireRight, requireRole } from '../access';
import { RobotLink } from '../fleet/robot-link';
import { GatewaySettings } from '../gateway.settings';
import type { Caller } from '../session/caller';
import { robotDotenv } from './dotenv.rules';
import type { DeliveredKey, EnrolledRobot, EnrolmentView } from './enrolment.dto';
import { WrongTries } from './wrong-tries';

/** How long older keys work on after the robot has said that it holds the new one, in milliseconds. */
const GRACE_MS = 600_000;

/** The robot has said no, or was never asked: it cannot hold the key. */
const NOT_TAKEN: ReadonlySet<string> = new Set(['ROBOT_OFFLINE', 'TOO_MANY_REQUESTS', 'CONFLICT']);

/** Gives robots their keys: by a code that a person carries, or over the broker to a robot that is there. */
@Injectable()
export class EnrolmentService {
  private readonly log = new Logger(EnrolmentService.name);
  private readonly wrongTries = new WrongTries();

  constructor(
    private readonly enrolment: Enrolment,
    private readonly robots: Robots,
    private readonly link: RobotLink,
    private readonly settings: GatewaySettings,
  ) {}

  /** @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT */
  async newCode(caller: Caller, robotId: string): Promise<EnrolmentView> {
    await this.manageable(caller, robotId);
    const { code, expiresAt } = await this.enrolment.issue(robotId, caller.username);
    return { code, expiresAt: expiresAt.toISOString() };
  }

  /** @throws DomainError UNAUTHENTICATED in the same words whatever is wrong with the code, TOO_MANY_REQUESTS */
  async enroll(code: string, address: string): Promise<EnrolledRobot> {
    this.wrongTries.begin(address);
    const enrolled = await this.enrolment.redeem(code, address);
    if (!enrolled) {
      this.log.warn({ msg: 'enrolment denied', address });
      throw new DomainError('UNAUTHENTICATED', 'the code is wrong, used or too old');
    }
    this.wrongTries.takeBack(address);
    this.log.log({ msg: 'robot enrolled', robotId: enrolled.robotId, address });
    return { robotId: enrolled.robotId, dotenv: this.dotenv(enrolled.robotId, enrolled.key) };
  }

  /**
   * A new key for the robot, sent over the broker. Both are good until the robot says that it holds the new one, and ten minutes
   * more. When its word is lost both stay good: locking a robot out costs a visit to its roof.
   * @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT when the channel is not encrypted, BROKER_UNREACHABLE, ROBOT_OFFLINE,
   *   ROBOT_TIMEOUT, ROBOT_REJECTED
   */
  async deliver(caller: Caller, robotId: string): Promise<DeliveredKey> {
    await this.manageable(caller, robotId);
    if (new URL(this.settings.mqttUrl).protocol !== 'mqtts:') {
      throw new DomainError(
        'CONFLICT',
        'a key is sent over mqtts:// alone: rotate it by hand, or enrol the robot anew',
        { details: { cause: 'channel_not_encrypted' } },
      );
    }
    const { id, key } = await this.enrolment.offerKey(robotId, caller.username);
    try {
      requireTaken(await this.send(robotId, key), robotId);
    } catch (error) {
      const code = error instanceof DomainError ? error.code : 'INTERNAL';
      if (NOT_TAKEN.has(code) || code === 'ROBOT_REJECTED')
        await this.enrolment.withdrawKey(robotId, id, caller.username);
      this.log.warn({ msg: 'new key not delivered', robotId, code });
      throw error;
    }
    const until = await this.enrolment.confirmKey(robotId, id, { graceMs: GRACE_MS, actor: caller.username });
    return { robotId, olderKeysUntil: until.toISOString() };
  }

  private send(robotId: string, key: string): Promise<RobotReply> {
    const issuedAt = Date.now();
    const order = { v: 1, requestId: randomUUID(), issuedAt, revision: issuedAt, config: { robotKey: key } };
    return this.link.order(robotId, 'configure', order);
  }

  private async manageable(caller: Caller, robotId: string): Promise<Robot> {
    const robot = await this.robots.find(robotId);
    if (!robot) throw new DomainError('NOT_FOUND', `there is no robot ${robotId}`);
    requireRight(caller, 'control', streamPath(robotId, MAIN_CAMERA), `robot ${robotId}`);
    requireRole(caller, 'admin', 'operator');
    return robot;
  }

  private dotenv(robotId: string, key: string): string {
    const { mqttUrl, mqttVersion, mediaIngestUrl } = this.settings;
    const ingestUrl = mediaIngestUrl === 'none' ? undefined : mediaIngestUrl;
    return robotDotenv({ robotId, key, mqttUrl, mqttVersion, ingestUrl });
  }
}

/** @throws DomainError ROBOT_REJECTED */
function requireTaken({ code, reason }: RobotReply, robotId: string): void {
  if (code === 'accepted' || code === 'noop') return;
  throw new DomainError('ROBOT_REJECTED', `robot ${robotId} refused the key: ${reason ?? code}`, {
    details: { robotCode: code },
  });
}
