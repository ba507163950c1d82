import { Injectable } from '@nestjs/common';
import { SlotStore, type ScopeUsage } from '@rovercast/quota';
import { Gauge, Registry } from 'prom-client';
import { SlotsService } from './slots.service';

/** Slots as Postgres counts them, and whether they agree with what runs. */
@Injectable()
export class SlotMetrics {
  constructor(registry: Registry, slots: SlotsService, store: SlotStore) {
    const registers = [registry];
    let usage: ScopeUsage[] = [];
    new Gauge({
      name: 'stream_slots',
      help: 'Slots in use; group * is all of them',
      labelNames: ['group', 'state'],
      registers,
      async collect() {
        usage = await store.usage().catch(() => usage);
        this.reset();
        for (const { scope, reserved, active } of usage) {
          this.set({ group: scope, state: 'reserved' }, reserved);
          this.set({ group: scope, state: 'active' }, active);
        }
      },
    });
    new Gauge({
      name: 'stream_slot_limit',
      help: 'Slots that a group may have; absent without a limit',
      labelNames: ['group'],
      registers,
      collect() {
        this.reset();
        for (const { scope, limit } of usage) if (limit !== null) this.set({ group: scope }, limit);
      },
    });
    new Gauge({
      name: 'slots_drift',
      help: 'Active slots without a stream plus streams without a slot; zero at rest',
      registers,
      collect() {
        this.set(slots.report()?.drift ?? 0);
      },
    });
    new Gauge({
      name: 'slots_learning',
      help: 'Media nodes about which nothing is concluded yet',
      registers,
      collect() {
        this.set(slots.report()?.learning.length ?? 0);
      },
    });
    new Gauge({
      name: 'slots_leader',
      help: '1 in the process that reconciles the slots',
      registers,
      collect() {
        this.set(slots.leads() ? 1 : 0);
      },
    });
  }
}
