import { deriveKeys, hashSecret } from '@rovercast/access';
import { DomainError, type RobotReply } from '@rovercast/contracts';
import { Enrolment, Robots } from '@rovercast/directory';
import { parseSettings } from '@rovercast/platform';
import type { RobotLink } from '../fleet/robot-link';
import { GatewaySettings } from '../gateway.settings';
import type { Caller } from '../session/caller';
import { aGateway, TEST_SECRET, type TestGateway } from '../../../../test/support/test-gateway';
import { EnrolmentService } from './enrolment.service';

jest.setTimeout(40_000);

const KEYS = deriveKeys(TEST_SECRET);

let world: TestGateway;

beforeAll(async () => {
  world = await aGateway();
});

afterAll(() => world?.close());

const query = <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  world.database.source.query<Row[]>(sql, values);

const goodKeys = async (robotId: string): Promise<string[]> => {
  const rows = await query<{ hash: Buffer }>(
    `SELECT hash FROM stream_keys WHERE robot_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    [robotId],
  );
  return rows.map(({ hash }) => hash.toString('hex'));
};

const hashOf = (key: string): string => hashSecret(KEYS, key).toString('hex');

const keyIn = (dotenv: string): string => /^ROBOT_KEY=(rk_[\w-]{43})$/m.exec(dotenv)![1];

let next = 0;
const aRobot = async (): Promise<{ id: string; code: string; key: string }> => {
  next += 1;
  const { status, body } = await world.admin.post('/v1/robots', { id: `e${next}` });
  expect(status).toBe(201);
  return { id: body.id, code: body.enrolment.code, key: body.key };
};

const enroll = (code: unknown): ReturnType<TestGateway['anyone']['post']> =>
  world.anyone.post('/v1/enroll', { code });

/** Every suite of tries from one address would end in 429 otherwise. */
const forgetTries = (): void => {
  const service = world.app.get(EnrolmentService);
  (service as unknown as { wrongTries: { windows: Map<string, unknown> } }).wrongTries.windows.clear();
};

beforeEach(forgetTries);

describe('an enrolment code', () => {
  it('comes with the registration, in letters that nobody mixes up, and lasts ten minutes', async () => {
    const { body } = await world.admin.post('/v1/robots', { id: 'fresh' });
    expect(body.enrolment.code).toMatch(/^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/);
    const left = Date.parse(body.enrolment.expiresAt) - Date.now();
    expect(left).toBeGreaterThan(590_000);
    expect(left).toBeLessThan(601_000);
    const stored = await query(`SELECT * FROM enrolment_codes`);
    expect(JSON.stringify(stored)).not.toContain(body.enrolment.code);
  });

  it('gives the robot all that it needs, and a new key in place of the older ones', async () => {
    const { id, code, key } = await aRobot();
    const { status, body } = await enroll(code.toLowerCase().replace('-', ' '));
    expect(status).toBe(200);
    expect(body).toEqual({
      robotId: id,
      dotenv: expect.stringContaining(`MQTT_URL=${world.brokerUrl}\nMQTT_VERSION=4\n`),
    });
    expect(keyIn(body.dotenv)).not.toBe(key);
    expect(await goodKeys(id)).toEqual([hashOf(keyIn(body.dotenv))]);
    const audited = await query(
      `SELECT actor, outcome FROM audit_events WHERE action = 'robot.enrol' AND target = $1`,
      [id],
    );
    expect(audited).toEqual([{ actor: id, outcome: 'ok' }]);
  });

  it('is good once, however many show it at a time', async () => {
    const { code } = await aRobot();
    const answers = await Promise.all(Array.from({ length: 8 }, () => enroll(code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(401)]);
  });

  it('is refused in the same words whether it is wrong, used, too old, replaced or of a disabled robot', async () => {
    const [used, old, replaced, disabled] = [await aRobot(), await aRobot(), await aRobot(), await aRobot()];
    await enroll(used.code);
    await query(`UPDATE enrolment_codes SET expires_at = now() WHERE robot_id = $1`, [old.id]);
    expect((await world.admin.post(`/v1/robots/${replaced.id}/enrolment`)).status).toBe(201);
    await world.admin.call('PATCH', `/v1/robots/${disabled.id}`, { disabled: true });
    const answers = await Promise.all(
      ['AAAA-AAAA', used.code, old.code, replaced.code, disabled.code, '\0', "' OR 1=1"].map(enroll),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(401);
      expect(body).toEqual(answers[0].body);
    }
    const denied = await query(
      `SELECT 1 FROM audit_events WHERE action = 'robot.enrol' AND outcome = 'denied'`,
    );
    expect(denied.length).toBeGreaterThanOrEqual(7);
  });

  it('can be tried wrongly ten times a minute; a good one does not count', async () => {
    const good = await aRobot();
    expect((await enroll(good.code)).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 15 }, () => enroll('ZZZZ-ZZZZ')));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(5);
    expect(Number(refused[0].headers.get('retry-after'))).toBeGreaterThan(50);
    expect((await enroll((await aRobot()).code)).status).toBe(429);
  });

  it.each([[undefined], [''], [7], [['AAAA-AAAA']], ['x'.repeat(33)]])(
    'is named when it is %j',
    async (code) => {
      const { status, body } = await enroll(code);
      expect(status).toBe(400);
      expect(body.fields[0].field).toBe('code');
    },
  );

  it('is made by who may drive the robot and is admin or operator, for robots with an agent', async () => {
    expect((await world.operator.post('/v1/robots/r1/enrolment')).status).toBe(201);
    expect((await world.viewer.post('/v1/robots/r1/enrolment')).status).toBe(403);
    expect((await world.stranger.post('/v1/robots/r1/enrolment')).status).toBe(404);
    expect((await world.admin.post('/v1/robots/nobody/enrolment')).status).toBe(404);
    expect((await world.anyone.post('/v1/robots/r1/enrolment')).status).toBe(401);
    const legacy = await world.admin.post('/v1/robots', {
      id: 'old',
      kind: 'legacy',
      legacyTopic: 'robot/stream',
    });
    expect(legacy.body.enrolment).toBeNull();
    expect((await world.admin.post('/v1/robots/old/enrolment')).status).toBe(409);
  });
});

describe('a new key over the broker', () => {
  it('is refused while the broker does not encrypt, before any key is made', async () => {
    const { id, key } = await aRobot();
    const { status, body } = await world.admin.post(`/v1/robots/${id}/key-delivery`);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'CONFLICT', cause: 'channel_not_encrypted' });
    expect(await goodKeys(id)).toEqual([hashOf(key)]);
  });

  const orders: { robotId: string; name: string; body: Record<string, any> }[] = [];
  let answer: () => Promise<Partial<RobotReply>>;

  /** The service as on a broker that encrypts; the broker itself is played. */
  const service = (): EnrolmentService => {
    const settings = parseSettings(GatewaySettings, {
      DATABASE_URL: world.database.url,
      AUTH_SECRET: TEST_SECRET,
      MQTT_URL: 'mqtts://gateway:secret@broker.test:8883',
      MONITOR_TOKEN: 'monitor-token-for-tests',
    });
    const link = {
      order: async (robotId: string, name: string, body: object) => {
        orders.push({ robotId, name, body });
        return answer();
      },
    } as unknown as RobotLink;
    const { source } = world.database;
    return new EnrolmentService(new Enrolment(source, KEYS), new Robots(source, KEYS), link, settings);
  };

  const admin = { kind: 'user', id: '-', username: 'admin', role: 'admin', disabled: false, grants: [] };
  const deliver = (id: string): Promise<unknown> =>
    service().deliver({ ...admin, address: '' } as Caller, id);

  beforeEach(() => {
    orders.length = 0;
  });

  it('goes to the robot alone, and the older one works ten minutes longer', async () => {
    const { id, key } = await aRobot();
    answer = () => Promise.resolve({ code: 'accepted' });
    const answered = (await deliver(id)) as { olderKeysUntil: string };
    const [{ name, body }] = orders;
    expect(name).toBe('configure');
    expect(JSON.stringify(answered)).not.toContain('rk_');
    expect((await goodKeys(id)).sort()).toEqual([hashOf(key), hashOf(body.config.robotKey)].sort());
    expect(Date.parse(answered.olderKeysUntil) - Date.now()).toBeGreaterThan(590_000);
    await query(`UPDATE stream_keys SET expires_at = now() WHERE robot_id = $1 AND expires_at IS NOT NULL`, [
      id,
    ]);
    expect(await goodKeys(id)).toEqual([hashOf(body.config.robotKey)]);
  });

  it.each([
    ['refuses', () => Promise.resolve({ code: 'rejected' as const }), 'ROBOT_REJECTED'],
    ['is not there', () => Promise.reject(new DomainError('ROBOT_OFFLINE', 'offline')), 'ROBOT_OFFLINE'],
  ])('is taken back when the robot %s', async (_, how, code) => {
    const { id, key } = await aRobot();
    answer = how;
    await expect(deliver(id)).rejects.toMatchObject({ code });
    expect(await goodKeys(id)).toEqual([hashOf(key)]);
  });

  it('stays beside the older one when the robot does not answer: it may hold it', async () => {
    const { id } = await aRobot();
    answer = () => Promise.reject(new DomainError('ROBOT_TIMEOUT', 'no answer'));
    await expect(deliver(id)).rejects.toMatchObject({ code: 'ROBOT_TIMEOUT' });
    expect(await goodKeys(id)).toHaveLength(2);
  });
});
