import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { uuidParameter } from '../page';
import { CurrentCaller, type Caller } from '../session/caller';
import type { StoredAlertPolicy } from './alert-policies.repository';
import { AlertPoliciesService } from './alert-policies.service';
import { AlertPolicyList, AlertPolicyView, CreateAlertPolicy, UpdateAlertPolicy } from './alerts.dto';

const policyId = uuidParameter('policyId');

@ApiTags('alerts')
@ApiBearerAuth()
@Controller('v1/robots/:id/alert-policies')
export class AlertPoliciesController {
  constructor(private readonly policies: AlertPoliciesService) {}

  /** What this robot's alerts lead to, by kind. */
  @Get()
  @ApiOkResponse({ type: AlertPolicyList })
  async list(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<AlertPolicyList> {
    return { items: (await this.policies.list(caller, id)).map(view) };
  }

  /** Say what alerts of one kind lead to. A stream is then started in your name and with your rights. */
  @Post()
  @ApiCreatedResponse({ type: AlertPolicyView })
  async create(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() request: CreateAlertPolicy,
  ): Promise<AlertPolicyView> {
    return view(await this.policies.create(caller, id, request));
  }

  /** Change a policy; from then on it acts in your name. */
  @Patch(':policyId')
  @ApiOkResponse({ type: AlertPolicyView })
  async update(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Param('policyId', policyId) policy: string,
    @Body() change: UpdateAlertPolicy,
  ): Promise<AlertPolicyView> {
    return view(await this.policies.update(caller, id, policy, change));
  }

  /** Forget a policy; alerts of its kind are recorded and nothing else. */
  @Delete(':policyId')
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Param('policyId', policyId) policy: string,
  ): Promise<void> {
    await this.policies.remove(caller, id, policy);
  }
}

function view(policy: StoredAlertPolicy): AlertPolicyView {
  const { id, robotId, kind, minConfidence, action, leaseSeconds, enabled, actsFor } = policy;
  return { id, robotId, kind, minConfidence, action, leaseSeconds, enabled, actsFor };
}
