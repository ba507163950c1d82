import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { mayUseTopic } from '@rovercast/contracts';
import { requireHookSecret } from '../access/hook.guard';
import { AuthSettings } from '../auth.settings';
import { AuthnRequest, AuthzRequest } from './broker.dto';
import { BrokerService } from './broker.service';

interface AuthnAnswer {
  result: 'allow' | 'deny';
  is_superuser?: false;
  /** Epoch seconds at which EMQX (5.8 or newer) ends the connection; the client logs in anew. */
  expire_at?: number;
  acl?: { permission: 'allow' | 'deny'; action: 'publish' | 'subscribe' | 'all'; topic: string }[];
}

/** A connection lasts this long, so that who is disabled is out soon, in seconds. */
const CONNECTION_SECONDS = 600;

/** EMQX's HTTP authentication and authorisation (EMQX 5.8, access-control/authn/http), for any broker that speaks them. */
@Controller('mqtt')
export class BrokerController {
  constructor(
    private readonly broker: BrokerService,
    private readonly settings: AuthSettings,
  ) {}

  /** May this client connect; with its whole access list, so that the broker asks once per connection. */
  @Post('authn')
  @HttpCode(200)
  async authn(
    @Headers('authorization') authorization: string | undefined,
    @Body() body: AuthnRequest,
  ): Promise<AuthnAnswer> {
    requireHookSecret(authorization, 'broker', this.settings.brokerHookSecret);
    const rights = await this.broker.rights(body);
    if (!rights) return { result: 'deny' };
    const allowed = rights.map(({ action, filter }) => ({
      permission: 'allow' as const,
      action,
      topic: filter,
    }));
    return {
      result: 'allow',
      is_superuser: false,
      expire_at: Math.floor(Date.now() / 1000) + CONNECTION_SECONDS,
      acl: [...allowed, { permission: 'deny', action: 'all', topic: '#' }],
    };
  }

  /** May this client publish to, or subscribe to, this topic; for brokers that do not take a list. */
  @Post('authz')
  @HttpCode(200)
  authz(
    @Headers('authorization') authorization: string | undefined,
    @Body() body: AuthzRequest,
  ): AuthnAnswer {
    requireHookSecret(authorization, 'broker', this.settings.brokerHookSecret);
    const rights = this.broker.rightsOf(body.username);
    return { result: rights && mayUseTopic(rights, body.action, body.topic) ? 'allow' : 'deny' };
  }
}
