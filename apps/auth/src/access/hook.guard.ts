import { DomainError } from '@rovercast/contracts';
import { equalSecrets } from '@rovercast/access';

/**
 * Lets only the server in that knows the secret of a hook (HTTP Basic, as MediaMTX makes it from the URL's user-info).
 * @throws DomainError UNAUTHENTICATED
 */
export function requireHookSecret(authorization: string | undefined, user: string, secret: string): void {
  const given = authorization?.startsWith('Basic ')
    ? Buffer.from(authorization.slice(6), 'base64').toString()
    : '';
  if (!equalSecrets(given, `${user}:${secret}`))
    throw new DomainError('UNAUTHENTICATED', 'wrong hook secret');
}
