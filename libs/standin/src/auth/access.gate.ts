import { setTimeout as delay } from 'node:timers/promises';
import type { MediaAction, MediaProtocol } from '@rovercast/contracts';
import { goJson } from '../go-json.rules';
import { AuthDeniedError } from './access.errors';
import { type Credentials, tokenFor } from './credentials.rules';
import type { HookClient } from './hook.client';

/** Somebody who wants in. */
export interface AccessRequest {
  action: MediaAction;
  path: string;
  protocol: MediaProtocol | '';
  id: string | null;
  ip: string;
  query: string;
  userAgent: string;
  credentials: Credentials;
  /** Whether the protocol can ask for credentials that were not shown. */
  canAsk: boolean;
}

/** Lets clients in as the hook says: publish and read one at a time for the whole server, the rest in parallel. */
export class AccessGate {
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly hook: HookClient,
    private readonly checkPath: (path: string) => void,
    private readonly denyDelayMs: number,
  ) {}

  /** Resolves when the client may publish or read; PathRefusedError before the hook is asked, AuthDeniedError after. */
  async enter(request: AccessRequest): Promise<void> {
    const turn = this.queue.then(() => {
      this.checkPath(request.path);
      return this.hook.allows(bodyOf(request));
    });
    this.queue = turn.catch(() => undefined);
    await this.settle(request, await turn);
  }

  /** The same for calls that belong to no path. */
  async enterApi(request: AccessRequest): Promise<void> {
    await this.settle(request, await this.hook.allows(bodyOf(request)));
  }

  private async settle(request: AccessRequest, allowed: boolean): Promise<void> {
    if (allowed) return;
    const { credentials, protocol, query } = request;
    const empty = !credentials.user && !credentials.password && !tokenFor(credentials, protocol, query);
    const asks = request.canAsk && empty;
    if (!asks && this.denyDelayMs > 0) {
      await delay(Math.random() * this.denyDelayMs, undefined, { ref: false });
    }
    throw new AuthDeniedError(asks);
  }
}

/** The ten fields in MediaMTX's order (auth/manager.go:192). */
function bodyOf(request: AccessRequest): string {
  const { ip, credentials, action, path, protocol, id, query, userAgent } = request;
  return goJson({
    ip,
    user: credentials.user,
    password: credentials.password,
    token: tokenFor(credentials, protocol, query),
    action,
    path,
    protocol,
    id,
    query,
    userAgent,
  });
}
