import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { open, seal, type DerivedKeys } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { badField } from '@rovercast/directory';
import type { FastifyReply } from 'fastify';
import { createHash } from 'node:crypto';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { DERIVED_KEYS } from '../keys';
import type { CallerRequest } from '../session/caller';
import { IdempotencyRepository } from './idempotency.repository';

const WRITES = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

/**
 * A write that carries `Idempotency-Key` happens once: the same key with the same request gets the first answer again for a
 * day. Answers are kept sealed, because some hold a key that is shown once. A write that failed is forgotten, so that it can be
 * tried again.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly answers: IdempotencyRepository,
    @Inject(DERIVED_KEYS) private readonly keys: DerivedKeys,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const key = request.headers['idempotency-key'];
    if (key === undefined || !request.caller || !WRITES.has(request.method)) return next.handle();
    if (typeof key !== 'string' || !/^[\w-]{1,64}$/.test(key)) {
      throw badField('Idempotency-Key', 'Idempotency-Key must be 1 to 64 letters, digits, _ or -');
    }
    return from(
      this.once({ userId: request.caller.id, key }, request, context.switchToHttp().getResponse(), next),
    );
  }

  private async once(
    id: { userId: string; key: string },
    request: CallerRequest,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<unknown> {
    const known = await this.answers.claim(id, fingerprintOf(request));
    if (known.kind === 'other-request') {
      throw new DomainError('CONFLICT', 'the Idempotency-Key was used for another request');
    }
    if (known.kind === 'running') {
      throw new DomainError('CONFLICT', 'the request with this Idempotency-Key still runs', {
        retryAfterSeconds: 1,
      });
    }
    if (known.kind === 'answered') {
      void reply.status(known.status).header('idempotency-replayed', 'true');
      return known.body === null ? undefined : (JSON.parse(open(this.keys, known.body)) as unknown);
    }
    try {
      const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const sealed = body === undefined ? null : seal(this.keys, JSON.stringify(body));
      await this.answers.keep(id, { status: reply.statusCode, body: sealed });
      return body;
    } catch (error) {
      await this.answers.forget(id).catch(() => undefined);
      throw error;
    }
  }
}

function fingerprintOf({ method, url, body }: CallerRequest): Buffer {
  return createHash('sha256')
    .update(`${method} ${url}\n${JSON.stringify(body ?? null)}`)
    .digest();
}
