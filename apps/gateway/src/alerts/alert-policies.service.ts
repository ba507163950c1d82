import { Injectable } from '@nestjs/common';
import { MAIN_CAMERA, streamPath } from '@rovercast/contracts';
import { requireRight, requireRole } from '../access';
import { RobotsService } from '../robots/robots.service';
import type { Caller } from '../session/caller';
import {
  AlertPoliciesRepository,
  type AlertPolicyChange,
  type StoredAlertPolicy,
} from './alert-policies.repository';
import type { CreateAlertPolicy } from './alerts.dto';

/** Who may say what a robot's alerts lead to: whoever may drive it. */
@Injectable()
export class AlertPoliciesService {
  constructor(
    private readonly policies: AlertPoliciesRepository,
    private readonly robots: RobotsService,
  ) {}

  /** @throws DomainError NOT_FOUND */
  async list(caller: Caller, robotId: string): Promise<StoredAlertPolicy[]> {
    await this.robots.find(caller, robotId);
    return this.policies.list(robotId);
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN, CONFLICT */
  async create(caller: Caller, robotId: string, request: CreateAlertPolicy): Promise<StoredAlertPolicy> {
    await this.manageable(caller, robotId);
    return this.policies.create({ ...request, robotId }, caller);
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async update(
    caller: Caller,
    robotId: string,
    id: string,
    change: AlertPolicyChange,
  ): Promise<StoredAlertPolicy> {
    await this.manageable(caller, robotId);
    return this.policies.update(robotId, id, change, caller);
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async remove(caller: Caller, robotId: string, id: string): Promise<void> {
    await this.manageable(caller, robotId);
    await this.policies.remove(robotId, id, caller);
  }

  private async manageable(caller: Caller, robotId: string): Promise<void> {
    await this.robots.find(caller, robotId);
    requireRight(caller, 'control', streamPath(robotId, MAIN_CAMERA), `robot ${robotId}`);
    requireRole(caller, 'admin', 'operator');
  }
}
