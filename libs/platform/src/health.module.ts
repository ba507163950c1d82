import { Controller, Get, HttpCode, Inject, Res, type DynamicModule } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from './public';
import type { FastifyReply } from 'fastify';

/** Each check resolves when its part is usable and rejects with a short reason otherwise. */
export type ReadinessChecks = Record<string, () => Promise<void> | void>;

const CHECKS = Symbol('readiness checks');

@ApiExcludeController()
@Public()
@Controller('health')
class HealthController {
  constructor(@Inject(CHECKS) private readonly checks: ReadinessChecks) {}

  /** Answers as long as the event loop turns; depends on nothing else. */
  @Get('live')
  @HttpCode(200)
  live(): { status: string } {
    return { status: 'ok' };
  }

  /** 200 when every part is usable, else 503 with what is missing. */
  @Get('ready')
  async ready(
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ status: string; missing: Record<string, string> }> {
    const missing: Record<string, string> = {};
    await Promise.all(
      Object.entries(this.checks).map(async ([name, check]) => {
        try {
          await check();
        } catch (error) {
          missing[name] = (error as Error).message;
        }
      }),
    );
    const ready = Object.keys(missing).length === 0;
    reply.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', missing };
  }
}

/** `/health/live` and `/health/ready`; the checks are made from what `inject` names. */
export class HealthModule {
  static with<A extends unknown[]>(options: {
    imports?: DynamicModule['imports'];
    inject: { [K in keyof A]: abstract new (...args: never[]) => A[K] };
    checks: (...parts: A) => ReadinessChecks;
  }): DynamicModule {
    return {
      module: HealthModule,
      imports: options.imports,
      controllers: [HealthController],
      providers: [{ provide: CHECKS, useFactory: options.checks as never, inject: options.inject as never }],
    };
  }
}
