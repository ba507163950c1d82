import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { PolicyService } from '../policy/policy.service';

interface Counted {
  action: string;
  protocol: string;
  allow: boolean;
  reason: string;
}

/** What the door decided, and how fast. */
@Injectable()
export class DoorMetrics {
  private readonly decisions: Counter;
  private readonly duration: Histogram;

  constructor(registry: Registry, policies: PolicyService) {
    this.decisions = new Counter({
      name: 'auth_decisions_total',
      help: 'Questions of the media server, by what was decided and why',
      labelNames: ['action', 'protocol', 'result', 'reason'],
      registers: [registry],
    });
    this.duration = new Histogram({
      name: 'auth_decision_duration_seconds',
      help: 'Time to decide',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers: [registry],
    });
    new Gauge({
      name: 'auth_policy_age_seconds',
      help: 'Time since the tables last confirmed the policy in memory',
      registers: [registry],
      collect() {
        this.set(policies.ageMs() / 1000);
      },
    });
  }

  count({ action, protocol, allow, reason }: Counted, startedAt: number): void {
    this.decisions.inc({ action, protocol, result: allow ? 'allow' : 'deny', reason });
    this.duration.observe((performance.now() - startedAt) / 1000);
  }
}
