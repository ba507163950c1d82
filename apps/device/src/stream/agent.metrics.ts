import { Injectable } from '@nestjs/common';
import type { ReplyCode } from '@rovercast/contracts';
import { Counter, Gauge, Registry } from 'prom-client';

/** What the agent counts. */
@Injectable()
export class AgentMetrics {
  private readonly orders: Counter<'name' | 'code'>;
  private readonly restarts: Counter;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.orders = new Counter({
      name: 'agent_orders_total',
      help: 'Orders taken, by name and answer.',
      labelNames: ['name', 'code'],
      registers,
    });
    this.restarts = new Counter({
      name: 'agent_encoder_restarts_total',
      help: 'Encoders that ended without being told to.',
      registers,
    });
  }

  /** `name` comes from the list of known orders, or is `unknown`. */
  order(name: string, code: ReplyCode): void {
    this.orders.inc({ name, code });
  }

  restart(): void {
    this.restarts.inc();
  }

  /** Reads the number of running encoders when scraped. */
  countEncoders(running: () => number): void {
    new Gauge({
      name: 'agent_encoders_running',
      help: 'Encoder processes that run now.',
      registers: [this.registry],
      collect() {
        this.set(running());
      },
    });
  }
}
