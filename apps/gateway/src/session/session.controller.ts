import { Body, Controller, Get, HttpCode, Ip, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '@rovercast/platform';
import { CurrentCaller, type Caller } from './caller';
import { LoginRequest, Me, RefreshRequest, SessionTokens } from './session.dto';
import { SessionService } from './session.service';

@ApiTags('session')
@Controller('v1')
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  /** Log in with user name and password. */
  @Public()
  @Post('auth/login')
  @HttpCode(200)
  @ApiOkResponse({ type: SessionTokens })
  login(@Body() { username, password }: LoginRequest, @Ip() address: string): Promise<SessionTokens> {
    return this.sessions.login(username, password, address);
  }

  /** Swap a refresh token for a new pair of tokens. */
  @Public()
  @Post('auth/refresh')
  @HttpCode(200)
  @ApiOkResponse({ type: SessionTokens })
  refresh(@Body() { refreshToken }: RefreshRequest): Promise<SessionTokens> {
    return this.sessions.refresh(refreshToken);
  }

  /** End the session that a refresh token belongs to. */
  @Public()
  @Post('auth/logout')
  @HttpCode(204)
  @ApiNoContentResponse()
  async logout(@Body() { refreshToken }: RefreshRequest): Promise<void> {
    await this.sessions.logout(refreshToken);
  }

  /** Who am I, and what may I do? */
  @ApiBearerAuth()
  @Get('me')
  @ApiOkResponse({ type: Me })
  me(@CurrentCaller() { id, username, role, grants }: Caller): Me {
    return {
      id,
      username,
      role,
      grants: grants.map(({ action, pattern, expiresAt }) => ({
        action,
        pattern,
        expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      })),
    };
  }
}
