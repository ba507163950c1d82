import { Injectable } from '@nestjs/common';
import { DomainError, MAIN_CAMERA, streamPath } from '@rovercast/contracts';
import { Enrolment, Robots, type Robot } from '@rovercast/directory';
import { may, requireRight, requireRole } from '../access';
import { PresenceRegistry } from '../fleet/presence.registry';
import { GatewaySettings } from '../gateway.settings';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import type { CreatedRobot, CreateRobot, RobotPage, RobotView, UpdateRobot } from './robots.dto';

/** The registry of robots, as far as a caller may see it. */
@Injectable()
export class RobotsService {
  constructor(
    private readonly robots: Robots,
    private readonly presence: PresenceRegistry,
    private readonly settings: GatewaySettings,
    private readonly enrolment: Enrolment,
  ) {}

  /** @throws DomainError FORBIDDEN, INVALID_INPUT, CONFLICT */
  async create(caller: Caller, request: CreateRobot): Promise<CreatedRobot> {
    requireRole(caller, 'admin', 'operator');
    const { robot, key } = await this.robots.create({ ...request, ownerId: caller.id }, caller.username);
    const enrolment = robot.kind === 'legacy' ? null : await this.enrolment.issue(robot.id, caller.username);
    return {
      ...this.view(robot),
      key,
      dotenv: this.dotenv(robot.id, key),
      enrolment: enrolment && { code: enrolment.code, expiresAt: enrolment.expiresAt.toISOString() },
    };
  }

  async list(caller: Caller, { limit, cursor }: PageQuery): Promise<RobotPage> {
    const items: Robot[] = [];
    let after = cursor ?? null;
    for (;;) {
      const batch = await this.robots.list({ limit: 500, after });
      for (const robot of batch) {
        if (!visible(caller, robot)) continue;
        if (items.length === limit) return this.page(items, items.at(-1)!.id);
        items.push(robot);
      }
      if (batch.length < 500) return this.page(items, null);
      after = batch.at(-1)!.id;
    }
  }

  /** @throws DomainError NOT_FOUND */
  async get(caller: Caller, id: string): Promise<RobotView> {
    return this.view(await this.find(caller, id));
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN, INVALID_INPUT */
  async update(caller: Caller, id: string, change: UpdateRobot): Promise<RobotView> {
    await this.find(caller, id);
    requireRole(caller, 'admin', 'operator');
    requireRight(caller, 'control', streamPath(id, MAIN_CAMERA), `robot ${id}`);
    return this.view(await this.robots.update(id, change, caller.username));
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.find(caller, id);
    requireRole(caller, 'admin', 'operator');
    requireRight(caller, 'control', streamPath(id, MAIN_CAMERA), `robot ${id}`);
    await this.robots.remove(id, caller.username);
  }

  /** A new key; the old one stops working and the robot's sessions are cut. @throws DomainError NOT_FOUND, FORBIDDEN */
  async rotateKey(caller: Caller, id: string): Promise<CreatedRobot> {
    const robot = await this.find(caller, id);
    requireRole(caller, 'admin', 'operator');
    requireRight(caller, 'control', streamPath(id, MAIN_CAMERA), `robot ${id}`);
    const key = await this.robots.rotateKey(id, caller.username);
    return { ...this.view(robot), key, dotenv: this.dotenv(id, key) };
  }

  /** A robot that the caller may know of. @throws DomainError NOT_FOUND */
  async find(caller: Caller, id: string): Promise<Robot> {
    const robot = await this.robots.find(id);
    if (!robot || !visible(caller, robot)) throw new DomainError('NOT_FOUND', `there is no robot ${id}`);
    return robot;
  }

  private page(robots: Robot[], nextCursor: string | null): RobotPage {
    return { items: robots.map((robot) => this.view(robot)), nextCursor };
  }

  private view({ id, name, kind, cameras, disabledAt, lastSeenAt, createdAt }: Robot): RobotView {
    return {
      id,
      name,
      kind,
      cameras,
      online: kind === 'legacy' ? null : this.presence.isOnline(id),
      disabled: disabledAt !== null,
      lastSeenAt: lastSeenAt?.toISOString() ?? null,
      createdAt: createdAt.toISOString(),
    };
  }

  private dotenv(id: string, key: string): string {
    const broker = new URL(this.settings.mqttUrl);
    broker.username = '';
    broker.password = '';
    return `ROBOT_ID=${id}\nROBOT_KEY=${key}\nMQTT_URL=${broker.href}\n`;
  }
}

function visible(caller: Caller, robot: Robot): boolean {
  return robot.cameras.some((camera) => {
    const path = streamPath(robot.id, camera);
    return may(caller, 'read', path) || may(caller, 'control', path);
  });
}
