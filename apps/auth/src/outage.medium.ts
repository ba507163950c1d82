import { newSecret } from '@rovercast/access';
import { until } from '../../../test/support/until';
import { POLICY_STALE_MS, PolicyService } from './policy/policy.service';
import { login, TestDoor, ticketOf } from './test-auth';

const PASSWORD = 'a-good-password';

let door: TestDoor;
let robotKey: string;
const publish = (key: string): object => ({ action: 'publish', token: key });
const ready = async (): Promise<number> => (await fetch(`${door.url}/health/ready`)).status;

describe.each(['refuse', 'mute'] as const)('a door that comes up while Postgres is away (%s)', (mode) => {
  beforeAll(async () => {
    door = await TestDoor.prepare();
    await door.users.create({ username: 'viewer', password: PASSWORD, role: 'admin' }, 'test');
    await door.users.create({ username: 'other', password: PASSWORD, role: 'admin' }, 'test');
    ({ key: robotKey } = await door.robots.create({ id: 'r1' }, 'test'));
    door.proxy.setMode(mode);
    await door.open({ MIGRATE_ON_START: 'true' });
  });
  afterAll(() => door.close());

  it('listens, is not ready, and lets nobody in but holders of tickets', async () => {
    expect((await fetch(`${door.url}/health/live`)).status).toBe(200);
    expect(await ready()).toBe(503);
    expect(await door.why(publish(robotKey))).toEqual([401, 'POLICY_NOT_LOADED']);
    expect(await door.why(login('viewer', PASSWORD))).toEqual([401, 'POLICY_NOT_LOADED']);
    expect(await door.why({ token: ticketOf() })).toEqual([204, 'TICKET']);
    expect(await door.why({ token: ticketOf({}, 'x'.repeat(32)) })).toEqual([401, 'TICKET_BAD_SIGNATURE']);
  });

  it('is ready within two seconds of its return', async () => {
    door.proxy.setMode('relay');
    await until(async () => (await ready()) === 200, { timeoutMs: 2_000 });
    expect(await door.why(publish(robotKey))).toEqual([204, 'OWN_PATH']);
    await until(async () => (await door.ask(login('viewer', PASSWORD))) === 204);
  });

  it('knows whom it knew while Postgres is away again, and nobody else', async () => {
    door.proxy.setMode(mode);
    const late = await door.robots.create({ id: 'late' }, 'test');
    for (let round = 0; round < 20; round += 1) {
      expect(await door.why(publish(robotKey))).toEqual([204, 'OWN_PATH']);
      expect(await door.why({ token: ticketOf() })).toEqual([204, 'TICKET']);
      expect(await door.ask(login('viewer', PASSWORD))).toBe(204);
      expect(await door.why(publish(newSecret('rk')))).toEqual([401, 'UNKNOWN_KEY']);
      expect(await door.ask({ ...publish(late.key), path: 'robots/late' })).toBe(401);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // A password that was not looked at before the outage needs no Postgres either: its hash is in memory.
    await until(async () => (await door.ask(login('other', PASSWORD))) === 204);
    door.proxy.setMode('relay');
    await until(async () => (await door.ask({ ...publish(late.key), path: 'robots/late' })) === 204, {
      timeoutMs: 2_500,
    });
  });

  it('believes in tickets only once what it knows is older than five minutes', async () => {
    await until(async () => (await door.ask(publish(robotKey))) === 204);
    const policies = door.app.get(PolicyService);
    const age = jest.spyOn(policies, 'ageMs').mockReturnValue(POLICY_STALE_MS + 1);
    expect(await door.why(publish(robotKey))).toEqual([401, 'POLICY_STALE']);
    expect(await door.why(login('viewer', PASSWORD))).toEqual([401, 'POLICY_STALE']);
    expect(await door.why({ token: ticketOf() })).toEqual([204, 'TICKET']);
    age.mockRestore();
    expect(await door.ask(publish(robotKey))).toBe(204);
  });

  it('says once that Postgres went, and once that it came', async () => {
    const said = (msg: string): number =>
      door.lines().filter((line) => line.msg === msg && line.level !== 'debug').length;
    expect(said('Postgres is not there yet')).toBe(1);
    await until(() => said('Postgres is there') === 1);
    expect(said('policy is fresh again')).toBeLessThanOrEqual(2);
    const ours = ['Database', 'PolicyService', 'KeyRenewals'];
    const complaints = door
      .lines()
      .filter(({ level, context }) => level === 'warn' && ours.includes(context));
    expect(complaints.length).toBeLessThan(12);
    expect(door.lines().filter(({ level }) => level === 'error')).toEqual([]);
  });
});
