import type { AccessAction } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { migrate, type RobotKind, type Role } from '@rovercast/database';
import type { Robots, Users } from '@rovercast/directory';
import { parseArgs } from 'node:util';
import type { DataSource } from 'typeorm';
import { explainAccess } from './explain';
import { writeMosquittoFiles } from '../mosquitto/mosquitto.command';
import { seed } from './seed';

/** What a command works with. */
export interface Workshop {
  database: DataSource;
  users: Users;
  robots: Robots;
  /** All of standard input, trimmed: passwords come this way and never by argument. */
  readInput: () => Promise<string>;
  print: (line: string) => void;
  /** What the broker's files need; left out where no broker is served. */
  broker?: { databaseUrl: string; accounts: string[]; /** Ends a watch. */ until: AbortSignal };
}

export const USAGE = `usage: rovercast COMMAND

  migrate                                      bring the tables up to date
  user add NAME --role admin|operator|viewer|service     the password is read from standard input
  user password NAME                           the new password is read from standard input
  user disable NAME
  grant add NAME read|publish|control PATTERN  e.g. grant add eve read 'robots/r1/**'
  robot add ID [--name TEXT] [--camera NAME …] [--owner USER] [--legacy-topic TOPIC]
  robot rotate-key ID
  access explain --user NAME --action read|publish|control --path PATH [--address IP]
  broker mosquitto --out DIR [--watch] [--pid N]         password and access files; SIGHUP to process N after each change
  seed                                         users and robots from a JSON document on standard input`;

/** The audit log's name for somebody at the shell. */
const ACTOR = 'cli';

/**
 * Runs one command.
 * @throws DomainError with one sentence for people
 */
export async function runCommand(argv: string[], workshop: Workshop): Promise<void> {
  const { positionals, values } = read(argv);
  const [noun, verb, ...names] = positionals;
  switch (`${noun ?? ''} ${verb ?? ''}`.trim()) {
    case 'migrate': {
      const ran = await migrate(workshop.database);
      return workshop.print(ran.length > 0 ? `ran ${ran.join(', ')}` : 'nothing to do');
    }
    case 'seed':
      return seed(readJson(await workshop.readInput()), workshop, ACTOR);
    case 'user add':
      return addUser(named(names, 'NAME'), values.role as Role, workshop);
    case 'user password': {
      await workshop.users.setPassword(named(names, 'NAME'), await workshop.readInput(), ACTOR);
      return workshop.print('password changed');
    }
    case 'user disable':
      await workshop.users.disable(named(names, 'NAME'), ACTOR);
      return workshop.print('user disabled');
    case 'grant add': {
      const [username, action, pattern] = names;
      if (!pattern) throw new DomainError('INVALID_INPUT', 'grant add needs NAME, ACTION and PATTERN');
      await workshop.users.grant(username, { action: action as AccessAction, pattern }, ACTOR);
      return workshop.print(`${username} may ${action} ${pattern}`);
    }
    case 'robot add':
      return addRobot(named(names, 'ID'), values, workshop);
    case 'robot rotate-key':
      return workshop.print(`key: ${await workshop.robots.rotateKey(named(names, 'ID'), ACTOR)}`);
    case 'access explain':
      for (const line of await explainAccess(values, workshop.users, Date.now())) workshop.print(line);
      return;
    case 'broker mosquitto':
      return mosquitto(values, workshop);
    default:
      throw new DomainError('INVALID_INPUT', USAGE);
  }
}

type Values = ReturnType<typeof read>['values'];

function read(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        role: { type: 'string' },
        name: { type: 'string' },
        camera: { type: 'string', multiple: true },
        owner: { type: 'string' },
        'legacy-topic': { type: 'string' },
        user: { type: 'string' },
        action: { type: 'string' },
        path: { type: 'string' },
        address: { type: 'string' },
        out: { type: 'string' },
        pid: { type: 'string' },
        watch: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new DomainError('INVALID_INPUT', `${(error as Error).message}\n\n${USAGE}`);
  }
}

/** The parser's own words repeat a part of the text, and there are passwords in it. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DomainError('INVALID_INPUT', 'standard input is not JSON');
  }
}

function named(names: string[], what: string): string {
  if (!names[0]) throw new DomainError('INVALID_INPUT', `${what} is missing\n\n${USAGE}`);
  return names[0];
}

async function addUser(username: string, role: Role, { users, readInput, print }: Workshop): Promise<void> {
  const user = await users.create({ username, password: await readInput(), role }, ACTOR);
  print(`user ${user.username} (${user.role}) added`);
}

async function addRobot(id: string, values: Values, { users, robots, print }: Workshop): Promise<void> {
  const owner = values.owner === undefined ? undefined : await users.accountNamed(values.owner);
  if (values.owner !== undefined && !owner)
    throw new DomainError('NOT_FOUND', `there is no user ${values.owner}`);
  const legacyTopic = values['legacy-topic'] ?? null;
  const kind: RobotKind = legacyTopic === null ? 'agent' : 'legacy';
  const { key } = await robots.create(
    { id, name: values.name, kind, cameras: values.camera, legacyTopic, ownerId: owner?.id },
    ACTOR,
  );
  print(`robot ${id} added\nkey: ${key}\nThe key is shown this once.`);
}

async function mosquitto(values: Values, { database, broker, print }: Workshop): Promise<void> {
  if (!broker) throw new DomainError('INVALID_INPUT', 'there are no settings of a broker');
  await writeMosquittoFiles({
    database,
    databaseUrl: broker.databaseUrl,
    accounts: broker.accounts,
    out: values.out,
    pid: values.pid,
    ...(values.watch && { watchUntil: broker.until }),
    print,
  });
}
