import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Tokens } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { PUBLIC } from '@rovercast/platform';
import { Accounts } from './accounts';
import type { CallerRequest } from './caller';

/** Lets in who shows a good access token of an account that is not disabled; everything else needs `@Public()`. */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: Tokens,
    private readonly accounts: Accounts,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<CallerRequest>();
    request.caller = await this.identify(request.headers.authorization, request.ip);
    const open = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!open && !request.caller)
      throw new DomainError('UNAUTHENTICATED', 'log in first: send Authorization: Bearer <accessToken>');
    return true;
  }

  private async identify(
    authorization: string | undefined,
    address: string,
  ): Promise<CallerRequest['caller']> {
    if (!authorization?.startsWith('Bearer ')) return undefined;
    const read = this.tokens.readAccess(authorization.slice(7), Date.now());
    if (!read.ok) return undefined;
    const caller = await this.accounts.caller(read.value.userId, address);
    return caller?.disabled ? undefined : caller;
  }
}
