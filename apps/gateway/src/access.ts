import { decide, type AccessAction } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import type { Caller } from './session/caller';

/** Whether a caller may read or drive a path. */
export function may(caller: Caller, action: AccessAction, path: string): boolean {
  return decide(caller, { action, path, address: caller.address }, Date.now()).allow;
}

/**
 * Lets through who may act on a path.
 * @throws DomainError NOT_FOUND when the caller may not even know of it, FORBIDDEN when it may only look
 */
export function requireRight(caller: Caller, action: AccessAction, path: string, what: string): void {
  if (may(caller, action, path)) return;
  const known = may(caller, 'read', path) || may(caller, 'control', path);
  if (known) throw new DomainError('FORBIDDEN', `you may not ${action} ${what}`);
  throw new DomainError('NOT_FOUND', `there is no ${what}`);
}

/** @throws DomainError FORBIDDEN */
export function requireRole(caller: Caller, ...roles: Caller['role'][]): void {
  if (!roles.includes(caller.role))
    throw new DomainError('FORBIDDEN', `only ${roles.join(' or ')} may do that`);
}
