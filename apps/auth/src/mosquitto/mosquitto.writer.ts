import { brokerVerifier } from '@rovercast/access';
import type { BrokerPrincipal } from '@rovercast/contracts';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { mosquittoFiles, type BrokerLogin } from './mosquitto-files.rules';

interface RobotRecord {
  id: string;
  legacyTopic: string | null;
  verifier: string | null;
}

/** Robots that may connect, with their newest key; older ones of the same robot are revoked. */
const ROBOTS = `SELECT DISTINCT ON (r.id) r.id, r.legacy_topic AS "legacyTopic", k.broker_verifier AS verifier
  FROM robots r JOIN stream_keys k ON k.robot_id = r.id
  WHERE r.disabled_at IS NULL AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
  ORDER BY r.id, k.broker_verifier IS NULL, k.created_at DESC`;

export interface Written {
  /** Whether either file is another one than before. */
  changed: boolean;
  logins: number;
  /** Robots whose keys are older than the verifiers, until they are used at the door once or rotated. */
  withoutVerifier: string[];
}

/** Writes Mosquitto's `passwords` and `acl` into a folder, from the tables. */
export class MosquittoWriter {
  private readonly accounts: BrokerLogin[];

  /** @param accounts gateways' logins, `user:secret` each */
  constructor(
    private readonly database: Pick<DataSource, 'query'>,
    private readonly folder: string,
    accounts: string[],
  ) {
    this.accounts = accounts.map((account) => {
      const [username, secret] = account.split(':');
      return { username, principal: { kind: 'gateway' }, verifier: brokerVerifier(secret) };
    });
  }

  async write(): Promise<Written> {
    const robots = await this.database.query<RobotRecord[]>(ROBOTS);
    const logins = robots.flatMap(({ id, legacyTopic, verifier }) =>
      verifier === null ? [] : [{ username: id, principal: principalOf(id, legacyTopic), verifier }],
    );
    // A robot by the name of an account would get a second line there; the account is the operator's word.
    const own = new Set(this.accounts.map(({ username }) => username));
    const all = [...this.accounts, ...logins.filter(({ username }) => !own.has(username))];
    const { passwords, acl } = mosquittoFiles(all);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    // The rights first: a login without rights can do nothing, rights without a login neither.
    const aclChanged = await replace(join(this.folder, 'acl'), acl);
    const passwordsChanged = await replace(join(this.folder, 'passwords'), passwords);
    return {
      changed: aclChanged || passwordsChanged,
      logins: all.length,
      withoutVerifier: robots.filter(({ verifier }) => verifier === null).map(({ id }) => id),
    };
  }
}

const principalOf = (robotId: string, legacyTopic: string | null): BrokerPrincipal =>
  legacyTopic === null ? { kind: 'robot', robotId } : { kind: 'legacy', robotId, topic: legacyTopic };

/** Puts a file in its place as a whole, for its owner only; answers whether it says something new. */
async function replace(file: string, text: string): Promise<boolean> {
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before === text) return false;
  const next = `${file}.${process.pid}.new`;
  const handle = await open(next, 'w', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, file);
  return true;
}
