import { topicRights, type BrokerPrincipal } from '@rovercast/contracts';

/** Somebody with a login at the broker. */
export interface BrokerLogin {
  username: string;
  principal: BrokerPrincipal;
  /** One line each, as Mosquitto 2 keeps passwords: `$7$…`. Only the last one counts there. */
  verifier: string;
}

/** Mosquitto's directions, by ours. */
const DIRECTION = { publish: 'write', subscribe: 'read' } as const;

/** Mosquitto's `password_file` and `acl_file`. What is not listed is denied. */
export function mosquittoFiles(logins: BrokerLogin[]): { passwords: string; acl: string } {
  const safe = logins.filter(({ username }) => /^[\w-]{1,64}$/.test(username));
  return {
    passwords: safe.map(({ username, verifier }) => `${username}:${verifier}\n`).join(''),
    acl: safe.map(aclOf).join('\n'),
  };
}

function aclOf({ username, principal }: BrokerLogin): string {
  const rules = topicRights(principal)
    .filter(({ filter }) => !/[\r\n\0]/.test(filter))
    .map(({ action, filter }) => `topic ${DIRECTION[action]} ${filter}\n`);
  return `user ${username}\n${rules.join('')}`;
}
