import { Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { DomainError, LEGACY_TOPIC } from '@rovercast/contracts';
import { Public } from '@rovercast/platform';
import { StreamOrders } from '../streams/stream-orders';
import { GatewaySettings } from '../gateway.settings';
import type { CallerRequest } from '../session/caller';
import { LegacyAnswer } from './legacy.dto';

/**
 * The older bridge's three calls, for apps and robots that are out there: bare `start` and `stop` on `robot/stream`. They need
 * a login with the role admin or operator unless LEGACY_BRIDGE_OPEN is true.
 */
@ApiTags('older bridge')
@Public()
@Controller()
export class LegacyController {
  constructor(
    private readonly orders: StreamOrders,
    private readonly settings: GatewaySettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Is it running?' })
  @ApiOkResponse({ type: LegacyAnswer })
  root(@Req() request: CallerRequest): LegacyAnswer {
    this.requireLogin(request);
    return { msg: 'Media bridge service running!' };
  }

  @Post('stream/start')
  @HttpCode(200)
  @ApiOperation({ summary: 'Publish start on robot/stream' })
  @ApiOkResponse({ type: LegacyAnswer })
  async start(@Req() request: CallerRequest): Promise<LegacyAnswer> {
    await this.say(request, 'on');
    return { msg: 'Published start' };
  }

  @Post('stream/stop')
  @HttpCode(200)
  @ApiOperation({ summary: 'Publish stop on robot/stream' })
  @ApiOkResponse({ type: LegacyAnswer })
  async stop(@Req() request: CallerRequest): Promise<LegacyAnswer> {
    await this.say(request, 'off');
    return { msg: 'Published stop' };
  }

  private async say(request: CallerRequest, state: 'on' | 'off'): Promise<void> {
    this.requireLogin(request);
    const role = request.caller?.role;
    if (!this.settings.legacyBridgeOpen && role !== 'admin' && role !== 'operator') {
      throw new DomainError('FORBIDDEN', 'only admin or operator may do that');
    }
    try {
      await this.orders.tellLegacy(LEGACY_TOPIC, state);
    } catch (error) {
      throw new DomainError('LEGACY_BROKER_UNREACHABLE', 'the broker cannot be reached', { cause: error });
    }
  }

  private requireLogin(request: CallerRequest): void {
    if (!this.settings.legacyBridgeOpen && !request.caller)
      throw new DomainError('UNAUTHENTICATED', 'log in first');
  }
}
