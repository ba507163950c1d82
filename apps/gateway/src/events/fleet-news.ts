import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { streamPath } from '@rovercast/contracts';
import { PostgresListener } from '@rovercast/database';
import { SlotStore } from '@rovercast/quota';
import { PresenceRegistry } from '../fleet/presence.registry';
import { GatewaySettings } from '../gateway.settings';
import { changedQuotas, type FleetEvent, type QuotaState } from './event.rules';
import { EventsRepository } from './events.repository';

/** Changes of slots within this time become one event per scope, in milliseconds. */
const QUOTA_DEBOUNCE_MS = 250;

/** More than this many at once are not told one by one. */
const PENDING_MAX = 1_000;

/** Over within this time, an account's change has reached every cache, in milliseconds. */
const POLICY_DELAY_MS = 1_100;

type Word =
  | { kind: 'presence'; robotId: string; online: boolean }
  | { kind: 'stream'; id: string; state: string }
  | { kind: 'alert'; id: string; outcome: string };

interface Ears {
  tell: (event: FleetEvent) => void;
  /** Rights may have changed. */
  policyChanged: () => void;
}

const ENDINGS = new Set(['stopping', 'stopped', 'failed']);
const MAY_KNOW = ['read', 'control'] as const;

/** Makes events of what Postgres announces and of what robots say about themselves, in the order in which it came. */
@Injectable()
export class FleetNews implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(FleetNews.name);
  private readonly listener: PostgresListener;
  private ears: Ears = { tell: () => undefined, policyChanged: () => undefined };
  private pending: Word[] = [];
  private telling = false;
  private connectedBefore = false;
  private quotas?: QuotaState[];
  private quotaTimer?: NodeJS.Timeout;
  private quotaLooks = Promise.resolve();
  private policyTimer?: NodeJS.Timeout;
  private closed = false;

  constructor(
    settings: GatewaySettings,
    private readonly rows: EventsRepository,
    private readonly slots: SlotStore,
    presence: PresenceRegistry,
  ) {
    this.listener = new PostgresListener({
      url: settings.databaseUrl,
      applicationName: 'gateway-events',
      channels: ['stream_changed', 'alert_raised', 'quota_changed', 'policy_changed'],
      onNotify: (channel, payload) => this.heard(channel, payload),
      onConnect: () => this.connected(),
      onError: (error) => this.log.warn({ msg: 'events lost their connection', error: error.message }),
    });
    presence.onChange((change) => {
      if (change.robotId === null) this.reset('broker');
      else this.add({ kind: 'presence', ...change });
    });
  }

  onApplicationBootstrap(): void {
    this.listener.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.quotaTimer);
    clearTimeout(this.policyTimer);
    await this.listener.close();
  }

  /** Who is told. */
  whenNews(ears: Ears): void {
    this.ears = ears;
  }

  /** Looks at the quotas soon; many calls are one look. */
  lookAtQuotas(): void {
    if (this.closed) return;
    this.quotaTimer ??= setTimeout(() => {
      this.quotaTimer = undefined;
      // One after the other: an older look must not come after a newer one.
      this.quotaLooks = this.quotaLooks.then(() => this.compareQuotas());
    }, QUOTA_DEBOUNCE_MS).unref();
  }

  private connected(): void {
    if (this.connectedBefore) this.reset('database');
    this.connectedBefore = true;
    this.lookAtQuotas();
    this.lookAtAccounts();
  }

  private heard(channel: string, payload: string): void {
    const [id, second, , outcome] = payload.split(' ');
    if (channel === 'policy_changed') return this.lookAtAccounts();
    if (channel === 'stream_changed') this.add({ kind: 'stream', id, state: second });
    if (channel === 'alert_raised') this.add({ kind: 'alert', id, outcome });
    if (channel !== 'alert_raised') this.lookAtQuotas();
  }

  private lookAtAccounts(): void {
    if (this.closed) return;
    this.policyTimer ??= setTimeout(() => {
      this.policyTimer = undefined;
      this.ears.policyChanged();
    }, POLICY_DELAY_MS).unref();
  }

  private reset(reason: 'broker' | 'database' | 'too-many'): void {
    this.pending = [];
    this.ears.tell({ name: 'reset', data: { reason }, audience: { who: 'everyone' } });
  }

  private add(word: Word): void {
    if (this.closed) return;
    if (this.pending.length >= PENDING_MAX) return this.reset('too-many');
    this.pending.push(word);
    if (!this.telling) void this.tellAll();
  }

  /** Whatever came while the last rows were read is read in one go. */
  private async tellAll(): Promise<void> {
    this.telling = true;
    // What is said in one breath is looked up at once.
    await Promise.resolve();
    while (this.pending.length > 0 && !this.closed) {
      const words = this.pending;
      this.pending = [];
      try {
        for (const event of await this.eventsOf(words)) this.ears.tell(event);
      } catch (error) {
        if (this.closed) break;
        this.log.warn({ msg: 'events not read', error: (error as Error).message });
        this.reset('database');
      }
    }
    this.telling = false;
  }

  private async eventsOf(words: Word[]): Promise<FleetEvent[]> {
    const [streams, alerts, cameras] = await Promise.all([
      this.rows.streams(words.flatMap((word) => (word.kind === 'stream' ? [word.id] : []))),
      this.rows.alerts(words.flatMap((word) => (word.kind === 'alert' ? [word.id] : []))),
      this.rows.cameras(words.flatMap((word) => (word.kind === 'presence' ? [word.robotId] : []))),
    ]);
    return words.flatMap((word): FleetEvent[] => {
      if (word.kind === 'stream') {
        const row = streams.get(word.id);
        // The row may be further on already; each step is told as it was announced.
        const cause = row && ENDINGS.has(word.state) ? row.cause : null;
        return row ? [about([row.path], 'stream', { ...row, state: word.state, cause })] : [];
      }
      if (word.kind === 'alert') {
        const row = alerts.get(word.id);
        if (!row) return [];
        const audience = {
          who: 'path' as const,
          paths: [streamPath(row.robotId, row.camera)],
          rights: ['read' as const],
        };
        return [{ name: 'alert', data: { ...row, outcome: word.outcome }, audience }];
      }
      const { robotId, online } = word;
      const paths = cameras.get(robotId)?.map((camera) => streamPath(robotId, camera));
      return paths ? [about(paths, 'presence', { robotId, online })] : [];
    });
  }

  private async compareQuotas(): Promise<void> {
    if (this.closed) return;
    try {
      const now = await this.slots.usage();
      const changed = this.quotas ? changedQuotas(this.quotas, now) : [];
      this.quotas = now;
      for (const data of changed) this.ears.tell({ name: 'quota', data, audience: { who: 'staff' } });
    } catch (error) {
      if (!this.closed) this.log.warn({ msg: 'quotas not read', error: (error as Error).message });
    }
  }
}

const about = (paths: string[], name: 'stream' | 'presence', data: object): FleetEvent => ({
  name,
  data,
  audience: { who: 'path', paths, rights: [...MAY_KNOW] },
});
