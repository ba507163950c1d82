import { Injectable, Logger } from '@nestjs/common';
import { decide, equalSecrets } from '@rovercast/access';
import { assertNever, type MediaAction } from '@rovercast/contracts';
import type { Admitted } from '../admissions/admission';
import { nameOf } from '../admissions/admission.rules';
import { AdmissionsService } from '../admissions/admissions.service';
import { AuthSettings } from '../auth.settings';
import { SlotGate } from '../slots/slot.gate';
import { WakeService } from '../wake/wake.service';
import { Authenticator, type Authentication } from './authenticator';
import { hintFor, hintQuestion, isAskedForCredentials } from './denial-hint.rules';
import { DoorMetrics } from './door.metrics';
import { isAboutPath, parseMediaRequest, type MediaRequest } from './media-request.rules';

/** The media server waits for us with everybody else behind it: no answer takes longer, in milliseconds. */
const ANSWER_WITHIN_MS = 250;

interface Verdict {
  allow: boolean;
  reason: string;
  /** Who it was, as far as known: user name, robot id or the subject of a ticket. */
  who?: string;
  /** Of a client that may come in. */
  admitted?: Admitted;
}

export type DoorAnswer = 'allow' | 'deny' | 'malformed';

/** Answers the media server: may this client publish or read here? */
@Injectable()
export class DoorService {
  private readonly log = new Logger('Door');
  private readonly machines: { user: string; secret: string; action: string }[];

  constructor(
    settings: AuthSettings,
    private readonly authenticator: Authenticator,
    private readonly metrics: DoorMetrics,
    private readonly admissions: AdmissionsService,
    private readonly wake: WakeService,
    private readonly slots: SlotGate,
  ) {
    this.machines = settings.machineAccounts.map((account) => {
      const [user, secret, action] = account.split(':');
      return { user, secret, action };
    });
  }

  async answer(body: unknown, node: string): Promise<DoorAnswer> {
    const startedAt = performance.now();
    const parsed = parseMediaRequest(body);
    if (!parsed.ok) {
      this.log.warn({
        msg: parsed.problem === 'malformed' ? 'malformed question' : 'denied',
        reason: parsed.reason,
        hint: hintFor(hintQuestion(body)),
      });
      this.metrics.count(
        { action: 'unknown', protocol: '', allow: false, reason: parsed.reason.split(' ')[0] },
        startedAt,
      );
      return parsed.problem === 'malformed' ? 'malformed' : 'deny';
    }
    const { request } = parsed;
    const verdict = await this.judgeInTime(request, node);
    this.metrics.count({ action: request.action, protocol: request.protocol, ...verdict }, startedAt);
    this.report(request, verdict, body);
    if (verdict.admitted) this.admissions.record({ ...request, node }, verdict.admitted);
    if (verdict.admitted) this.wake.ring(request, nameOf(verdict.admitted.principal));
    return verdict.allow ? 'allow' : 'deny';
  }

  private async judgeInTime(request: MediaRequest, node: string): Promise<Verdict> {
    const verdict = this.judge(request, node);
    if (!(verdict instanceof Promise)) return verdict;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<Verdict>((resolve) => {
      timer = setTimeout(() => resolve({ allow: false, reason: 'DEADLINE' }), ANSWER_WITHIN_MS);
    });
    return Promise.race([verdict, deadline]).finally(() => clearTimeout(timer));
  }

  private judge(request: MediaRequest, node: string): Verdict | Promise<Verdict> {
    switch (request.action) {
      case 'api':
      case 'metrics':
      case 'pprof':
        return this.judgeMachine(request, request.action);
      case 'publish':
      case 'read':
      case 'playback': {
        const authentication = this.authenticator.authenticate(request, Date.now());
        return authentication instanceof Promise
          ? authentication.then((result) => this.judgeClient(request, node, result))
          : this.judgeClient(request, node, authentication);
      }
      default:
        return assertNever(request.action);
    }
  }

  /** Who may publish needs a slot besides; nothing is reserved for anybody before that. */
  private judgeClient(
    request: MediaRequest,
    node: string,
    authentication: Authentication,
  ): Verdict | Promise<Verdict> {
    const verdict = this.judgeRight(request, authentication);
    if (!verdict.admitted || request.action !== 'publish') return verdict;
    const { path, id: sessionId } = request;
    return this.slots
      .enter({ path, principal: verdict.admitted.principal, node, sessionId })
      .then((refusal) => {
        return refusal ? { allow: false, reason: refusal, who: verdict.who } : verdict;
      });
  }

  private judgeRight(request: MediaRequest, authentication: Authentication): Verdict {
    if (!authentication.ok) return { allow: false, reason: authentication.problem };
    const action = request.action === 'publish' ? 'publish' : 'read';
    const { principal, keyHash, ticket } = authentication;
    const decision = decide(principal, { action, path: request.path, address: request.ip }, Date.now());
    return {
      allow: decision.allow,
      reason: decision.reason,
      who: nameOf(principal),
      ...(decision.allow && { admitted: { principal, grantId: decision.rule, keyHash, ticket } }),
    };
  }

  private judgeMachine({ credential }: MediaRequest, action: MediaAction): Verdict {
    if (credential.kind !== 'password') return { allow: false, reason: 'NO_CREDENTIALS' };
    const account = this.machines.find(
      (machine) => machine.user === credential.user && machine.action === action,
    );
    const good = equalSecrets(account?.secret ?? '', credential.password) && account !== undefined;
    return { allow: good, reason: good ? 'MACHINE' : 'WRONG_USER_OR_PASSWORD', who: account?.user };
  }

  private report(request: MediaRequest, { allow, reason, who }: Verdict, body: unknown): void {
    const { action, protocol, ip, id } = request;
    // Beside those about a path, no question has one that was looked at: there anything may be in it.
    const path = isAboutPath(action) ? request.path : undefined;
    const line = { msg: allow ? 'allowed' : 'denied', action, protocol, path, ip, id, who, reason };
    // The first call of nearly every RTSP and browser client has no credentials yet: normal, not an attack.
    const isFirstCall = reason === 'NO_CREDENTIALS' && isAskedForCredentials(request);
    if (allow || isFirstCall) this.log.debug(line);
    else this.log.warn({ ...line, hint: hintFor(hintQuestion(body)) });
  }
}
