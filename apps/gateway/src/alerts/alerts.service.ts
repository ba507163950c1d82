import { Injectable, Logger } from '@nestjs/common';
import { DomainError, streamPath, type AlertEvent } from '@rovercast/contracts';
import { Robots } from '@rovercast/directory';
import { LRUCache } from 'lru-cache';
import { may } from '../access';
import { pageOf } from '../page';
import { Accounts } from '../session/accounts';
import type { Caller } from '../session/caller';
import { StreamsService } from '../streams/streams.service';
import { AlertPoliciesRepository, type StoredAlertPolicy } from './alert-policies.repository';
import { judge, type Verdict } from './alert.rules';
import { AlertsRepository, type Alert } from './alerts.repository';
import type { AlertPageQuery } from './alerts.dto';

/** A robot that cries more often is not listened to for the rest of the minute. */
const PER_MINUTE = 30;

/** Rights that hold in certain networks only do not hold here: nobody sits anywhere while a robot asks. */
const NO_ADDRESS = '';

interface Alarm {
  robotId: string;
  event: AlertEvent;
}

/** What robots saw or heard: recorded once each, and answered as the robot's policy says. */
@Injectable()
export class AlertsService {
  private readonly log = new Logger(AlertsService.name);
  private readonly counts = new LRUCache<string, { count: number }>({ max: 10_000, ttl: 60_000 });

  constructor(
    private readonly alerts: AlertsRepository,
    private readonly policies: AlertPoliciesRepository,
    private readonly robots: Robots,
    private readonly accounts: Accounts,
    private readonly streams: StreamsService,
  ) {}

  /** Takes an alert in; a repeated one changes nothing. @throws DomainError NOT_FOUND, TOO_MANY_REQUESTS */
  async raised(robotId: string, event: AlertEvent): Promise<void> {
    const robot = await this.robots.find(robotId);
    if (!robot?.cameras.includes(event.camera))
      throw new DomainError('NOT_FOUND', `there is no camera ${event.camera} of a robot ${robotId}`);
    this.count(robotId);
    const policy = await this.policies.find(robotId, event.kind);
    const verdict = judge(policy, event);
    const id = await this.alerts.record({ robotId, event, ...firstWord(verdict) });
    if (id === undefined) return;
    this.log.log({ msg: 'alert', robotId, camera: event.camera, kind: event.kind, does: verdict.do });
    if (verdict.do === 'go-live' && policy) await this.goLive(id, { robotId, event }, policy);
    await this.alerts.trim(robotId);
  }

  /** Alerts of cameras that the caller may watch, newest first; of one robot when it is named. @throws DomainError NOT_FOUND */
  async list(
    caller: Caller,
    page: AlertPageQuery,
    robotId: string | null = null,
  ): Promise<{ rows: Alert[]; nextCursor: string | null }> {
    const shows = (alert: Pick<Alert, 'robotId' | 'camera'>): boolean =>
      may(caller, 'read', streamPath(alert.robotId, alert.camera));
    if (robotId !== null) {
      const robot = await this.robots.find(robotId);
      if (!robot?.cameras.some((camera) => shows({ robotId, camera })))
        throw new DomainError('NOT_FOUND', `there is no robot ${robotId}`);
    }
    return pageOf(
      page,
      ({ limit, after }) => this.alerts.list({ robotId, limit, before: after }),
      ({ id }) => id,
      shows,
    );
  }

  private async goLive(id: string, alarm: Alarm, policy: StoredAlertPolicy): Promise<void> {
    try {
      const streamId = await this.start(alarm, policy);
      await this.alerts.settle(id, { outcome: 'live', detail: null, streamId });
    } catch (error) {
      const detail = error instanceof DomainError ? error.message : 'something went wrong on our side';
      this.log.warn({ msg: 'alert did not go live', robotId: alarm.robotId, detail });
      await this.alerts.settle(id, { outcome: 'not-started', detail, streamId: null });
    }
  }

  /** As the user who wrote the policy would start it. @returns the stream */
  private async start({ robotId, event }: Alarm, policy: StoredAlertPolicy): Promise<string> {
    const user =
      policy.actsForId === null ? undefined : await this.accounts.caller(policy.actsForId, NO_ADDRESS);
    if (!user || user.disabled)
      throw new DomainError('FORBIDDEN', 'the user who wrote the policy is gone or disabled');
    const { camera } = event;
    const { leaseSeconds } = policy;
    const started = await this.streams.start(user, robotId, { camera, leaseSeconds }, 'ack');
    if (!started.fresh) await this.streams.heartbeat(user, robotId, camera, leaseSeconds);
    return started.stream.id;
  }

  private count(robotId: string): void {
    const window = this.counts.get(robotId) ?? { count: 0 };
    if (window.count === 0) this.counts.set(robotId, window);
    window.count += 1;
    if (window.count > PER_MINUTE)
      throw new DomainError('TOO_MANY_REQUESTS', `robot ${robotId} raises too many alerts`);
  }
}

function firstWord(verdict: Verdict): Pick<Alert, 'outcome' | 'detail'> & { policyId: string | null } {
  if (verdict.do === 'go-live') return { outcome: 'starting', detail: null, policyId: verdict.policyId };
  return { outcome: 'recorded', detail: verdict.because, policyId: verdict.policyId ?? null };
}
