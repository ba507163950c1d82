import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Principal } from '@rovercast/access';
import { assertNever, ownerOfPath } from '@rovercast/contracts';
import { SlotStore, type SlotRequest } from '@rovercast/quota';
import { LRUCache } from 'lru-cache';
import { Pool } from 'pg';
import { AuthSettings } from '../auth.settings';

/** The media server's other clients wait meanwhile, in milliseconds. */
const DEADLINE_MS = 150;
const POOL_SIZE = 8;
const REMEMBERED_MAX = 10_000;

interface Publisher {
  path: string;
  principal: Principal;
  node: string;
  sessionId: string | null;
}

/** Undefined: come in. */
export type SlotRefusal = 'QUOTA_EXCEEDED' | 'NO_GROUP' | 'PATH_TAKEN' | 'SLOT_UNKNOWN';

/**
 * Who may publish still needs a slot of the path's group. While Postgres cannot be asked, those come in who had the slot before
 * (an encoder that reconnects) or hold a ticket (the gateway took the slot when it made it), and nobody else.
 */
@Injectable()
export class SlotGate implements OnApplicationShutdown {
  private readonly log = new Logger(SlotGate.name);
  private readonly pool: Pool;
  private readonly slots: SlotStore;
  private readonly asking = new Map<string, Promise<SlotRefusal | undefined>>();
  private readonly heldBy = new LRUCache<string, string>({ max: REMEMBERED_MAX });

  constructor(settings: AuthSettings) {
    this.pool = new Pool({
      connectionString: settings.databaseUrl,
      application_name: 'auth-slots',
      max: POOL_SIZE,
      connectionTimeoutMillis: 100,
      statement_timeout: DEADLINE_MS,
      query_timeout: DEADLINE_MS + 50,
      idle_in_transaction_session_timeout: 1_000,
      keepAlive: true,
    });
    this.pool.on('error', (error) => this.log.warn({ msg: 'slot connection lost', error: error.message }));
    this.slots = new SlotStore({
      query: async <T>(sql: string, parameters?: unknown[]): Promise<T> => {
        const { rows } = await this.pool.query(sql, parameters);
        return rows as T;
      },
    });
  }

  /** Several questions about one publisher at a time are asked once. */
  enter(publisher: Publisher): Promise<SlotRefusal | undefined> {
    const request = slotRequest(publisher);
    const holder = `${request.principal.kind} ${request.principal.id}`;
    const key = `${publisher.path} ${holder}`;
    const asking = this.asking.get(key);
    if (asking) return asking;
    const answer = this.ask(publisher, request, holder).finally(() => this.asking.delete(key));
    this.asking.set(key, answer);
    return answer;
  }

  private async ask(
    publisher: Publisher,
    request: SlotRequest,
    holder: string,
  ): Promise<SlotRefusal | undefined> {
    try {
      const admission = await this.slots.acquire(request, { deadlineMs: DEADLINE_MS });
      if (admission.outcome !== 'denied') {
        this.heldBy.set(publisher.path, holder);
        return undefined;
      }
      this.heldBy.delete(publisher.path);
      const { reason } = admission;
      return reason === 'NO_GROUP' || reason === 'PATH_TAKEN' ? reason : 'QUOTA_EXCEEDED';
    } catch (error) {
      const known = publisher.principal.kind === 'ticket' || this.heldBy.get(publisher.path) === holder;
      this.log.warn({
        msg: 'slot could not be asked for',
        path: publisher.path,
        letIn: known,
        error: (error as Error).message,
      });
      return known ? undefined : 'SLOT_UNKNOWN';
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}

/** A robot's path belongs to its robot, whoever holds the ticket for it. */
function slotRequest({ path, principal, node, sessionId }: Publisher): SlotRequest {
  const seen = { node, ...(sessionId !== null && { sessionId }) };
  const robotId = ownerOfPath(path)?.robotId;
  if (robotId !== undefined) return { path, seen, principal: { kind: 'robot', id: robotId } };
  switch (principal.kind) {
    case 'user':
      return { path, seen, principal: { kind: 'user', id: principal.username }, userId: principal.id };
    case 'robot':
      return { path, seen, principal: { kind: 'robot', id: principal.robotId } };
    case 'ticket':
      return { path, seen, principal: { kind: 'user', id: principal.subject } };
    default:
      return assertNever(principal);
  }
}
