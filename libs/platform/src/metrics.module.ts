import { Controller, Get, Header, Module } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from './public';
import { collectDefaultMetrics, Registry } from 'prom-client';

@ApiExcludeController()
@Public()
@Controller('metrics')
class MetricsController {
  constructor(private readonly registry: Registry) {}

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

function appRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** `/metrics` in Prometheus text format, from a registry of this app alone (inject prom-client's `Registry`). */
@Module({
  controllers: [MetricsController],
  providers: [{ provide: Registry, useFactory: appRegistry }],
  exports: [Registry],
})
export class MetricsModule {}
