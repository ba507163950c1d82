import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SnapshotStore } from '../snapshot/snapshot.store';

/** What the monitor tells Prometheus; gauges are computed from the last snapshot when scraped. */
@Injectable()
export class PollMetrics {
  private readonly duration: Histogram;
  private readonly failures: Counter;

  constructor(registry: Registry, store: SnapshotStore) {
    const registers = [registry];
    this.duration = new Histogram({
      name: 'poll_duration_seconds',
      help: 'Time of one look at the media server with all that follows from it',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    this.failures = new Counter({
      name: 'poll_failures_total',
      help: 'Looks that were not complete',
      registers,
    });
    new Gauge({
      name: 'poll_age_seconds',
      help: 'Age of the last complete look at the media server',
      registers,
      collect() {
        const snapshot = store.get();
        this.set(snapshot ? (Date.now() - new Date(snapshot.takenAt).getTime()) / 1000 : Infinity);
      },
    });
    new Gauge({
      name: 'streams_live',
      help: 'Paths with a picture on the media server',
      registers,
      collect() {
        this.set(store.get()?.paths.filter(({ available }) => available).length ?? 0);
      },
    });
    new Gauge({
      name: 'viewers',
      help: 'Sessions that read',
      labelNames: ['protocol'],
      registers,
      collect() {
        this.reset();
        for (const protocol of ['rtsp', 'rtmp', 'srt', 'webrtc', 'hls']) this.set({ protocol }, 0);
        for (const { protocol, state } of store.get()?.sessions ?? [])
          if (state === 'read') this.inc({ protocol });
      },
    });
    new Counter({
      name: 'media_bytes_total',
      help: 'Bytes that sessions moved, as counted from look to look',
      labelNames: ['direction'],
      registers,
      collect() {
        const { inboundBytes, outboundBytes } = store.totals();
        this.reset();
        this.inc({ direction: 'in' }, inboundBytes);
        this.inc({ direction: 'out' }, outboundBytes);
      },
    });
  }

  succeeded(durationMs: number): void {
    this.duration.observe(durationMs / 1000);
  }

  failed(): void {
    this.failures.inc();
  }
}
