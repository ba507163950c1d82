import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Principal } from '@rovercast/access';
import type { FastifyRequest } from 'fastify';

/** The logged-in user on whose behalf a request acts, and where the request comes from. */
export type Caller = Extract<Principal, { kind: 'user' }> & { address: string };

export type CallerRequest = FastifyRequest & { caller?: Caller };

/** The caller, as a handler's parameter. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<CallerRequest>();
  if (!caller) throw new Error('the route is public and has no caller');
  return caller;
});
