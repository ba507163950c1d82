import { Injectable, Logger } from '@nestjs/common';
import { equalSecrets } from '@rovercast/access';
import { topicRights, type BrokerPrincipal, type TopicRight } from '@rovercast/contracts';
import { Authenticator } from '../access/authenticator';
import { findCredential } from '../access/media-request.rules';
import { AuthSettings } from '../auth.settings';
import { PolicyService } from '../policy/policy.service';

export interface BrokerLogin {
  username: string;
  password: string;
  /** As far as the broker tells. */
  clientid?: string;
  /** The client's IP address, as far as the broker tells. */
  peerhost?: string;
}

/** Answers the broker: who may connect, and what may they do there? The same user table as the door's. */
@Injectable()
export class BrokerService {
  private readonly log = new Logger('BrokerDoor');
  private readonly accounts: { user: string; secret: string }[];

  constructor(
    settings: AuthSettings,
    private readonly authenticator: Authenticator,
    private readonly policies: PolicyService,
  ) {
    this.accounts = settings.brokerAccounts.map((account) => {
      const [user, secret] = account.split(':');
      return { user, secret };
    });
  }

  /** The rights of a connection, or undefined when it may not be. */
  async rights(login: BrokerLogin): Promise<TopicRight[] | undefined> {
    const principal = await this.principal(login);
    if (principal) return topicRights(principal);
    // A name that nobody has may be a password in the wrong field.
    const user = this.isName(login.username) ? login.username : undefined;
    this.log.warn({ msg: 'broker login denied', user });
    return undefined;
  }

  /** The rights that a name has once it is connected; for brokers that ask about each topic. */
  rightsOf(username: string): TopicRight[] | undefined {
    if (this.accounts.some(({ user }) => user === username)) return topicRights({ kind: 'gateway' });
    const robot = this.policies.current()?.robot(username);
    const principal = robot && !robot.disabled ? this.robotPrincipal(username) : undefined;
    return principal && topicRights(principal);
  }

  private isName(username: string): boolean {
    const isAccount = this.accounts.some(({ user }) => user === username);
    return isAccount || this.policies.current()?.robot(username) !== undefined;
  }

  private async principal({
    username,
    password,
    clientid,
    peerhost = '',
  }: BrokerLogin): Promise<BrokerPrincipal | undefined> {
    const account = this.accounts.find(({ user }) => user === username);
    if (account) return equalSecrets(account.secret, password) ? { kind: 'gateway' } : undefined;
    const credential = findCredential(username, password, '', '');
    if (credential.kind !== 'key') return undefined;
    const found = await this.authenticator.authenticate({ credential, path: '', ip: peerhost }, Date.now());
    if (!found.ok || found.principal.kind !== 'robot' || found.principal.disabled) return undefined;
    const principal = this.robotPrincipal(found.principal.robotId);
    return principal && this.mayBeCalled(principal, clientid) ? principal : undefined;
  }

  /** A connection ends another one of the same client id: a robot has its own id, and a legacy one any that is no robot's. */
  private mayBeCalled(principal: BrokerPrincipal, clientid: string | undefined): boolean {
    if (clientid === undefined || principal.kind === 'gateway' || clientid === principal.robotId) return true;
    return principal.kind === 'legacy' && !this.policies.current()?.robot(clientid);
  }

  private robotPrincipal(robotId: string): BrokerPrincipal | undefined {
    const robot = this.policies.current()?.robot(robotId);
    if (!robot) return undefined;
    return robot.kind === 'legacy' && robot.legacyTopic !== null
      ? { kind: 'legacy', robotId, topic: robot.legacyTopic }
      : { kind: 'robot', robotId };
  }
}
