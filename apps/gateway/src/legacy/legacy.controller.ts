import { Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { DomainError } from '@rovercast/contracts';
import { Public } from '@rovercast/platform';
import { GatewaySettings } from '../gateway.settings';
import type { Caller, CallerRequest } from '../session/caller';
import { LegacyBridgeService } from './legacy-bridge.service';
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
    private readonly bridge: LegacyBridgeService,
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
    const caller = this.driver(request);
    await this.reaching(() => this.bridge.start(caller));
    return { msg: 'Published start' };
  }

  @Post('stream/stop')
  @HttpCode(200)
  @ApiOperation({ summary: 'Publish stop on robot/stream' })
  @ApiOkResponse({ type: LegacyAnswer })
  async stop(@Req() request: CallerRequest): Promise<LegacyAnswer> {
    const caller = this.driver(request);
    await this.reaching(() => this.bridge.stop(caller));
    return { msg: 'Published stop' };
  }

  /** Answers 502 for a broker that cannot be reached, as the older bridge did. */
  private async reaching(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'BROKER_UNREACHABLE') throw error;
      throw new DomainError('LEGACY_BROKER_UNREACHABLE', 'the broker cannot be reached', { cause: error });
    }
  }

  /** Who asks; undefined where the bridge is open. @throws DomainError UNAUTHENTICATED, FORBIDDEN */
  private driver(request: CallerRequest): Caller | undefined {
    this.requireLogin(request);
    if (this.settings.legacyBridgeOpen) return undefined;
    const { caller } = request;
    if (caller?.role === 'admin' || caller?.role === 'operator') return caller;
    throw new DomainError('FORBIDDEN', 'only admin or operator may do that');
  }

  private requireLogin(request: CallerRequest): void {
    if (!this.settings.legacyBridgeOpen && !request.caller)
      throw new DomainError('UNAUTHENTICATED', 'log in first');
  }
}
