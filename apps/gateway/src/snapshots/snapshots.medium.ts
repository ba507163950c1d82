import type { SnapshotOrder } from '@rovercast/contracts';
import { FakeRobot } from '../../../../test/support/fake-robot';
import { aGateway, type TestGateway } from '../../../../test/support/test-gateway';
import { until } from '../../../../test/support/until';

jest.setTimeout(40_000);

let world: TestGateway;
let robot: FakeRobot;

beforeAll(async () => {
  world = await aGateway();
  robot = await FakeRobot.connect(world.brokerUrl, 'r1');
  await until(async () => (await world.admin.get('/v1/robots/r1')).body.online);
});

afterAll(async () => {
  await robot?.close();
  await world?.close();
});

beforeEach(async () => {
  robot.answer = () => ({ code: 'accepted' });
  robot.heard.length = 0;
  await world.database.source.query('DELETE FROM snapshots');
});

/** A picture whose bytes tell it from others. */
const aPicture = (mark = 1, sizeBytes = 4_000): Buffer => {
  const bytes = Buffer.alloc(sizeBytes, mark);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  bytes.set([0xff, 0xd9], sizeBytes - 2);
  return bytes;
};

const orders = (): SnapshotOrder[] =>
  robot.heard
    .filter(({ topic }) => topic.endsWith('/cmd/snapshot'))
    .map(({ payload }) => JSON.parse(payload) as SnapshotOrder);

const lastOrder = (): Promise<SnapshotOrder> => until(() => orders().at(-1));

const put = (
  order: Pick<SnapshotOrder, 'uploadUrl' | 'token'>,
  body: Buffer | string,
  type = 'image/jpeg',
): Promise<Response> =>
  fetch(order.uploadUrl, {
    method: 'PUT',
    headers: { 'content-type': type, authorization: `Bearer ${order.token}` },
    body,
  });

const take = (more = ''): Promise<Response> =>
  fetch(`${world.url}/v1/robots/r1/snapshot${more}`, { method: 'POST', headers: world.operator.headers() });

const taken = async (mark: number, camera = 'main'): Promise<void> => {
  const count = orders().length;
  expect((await take(`?wait=none&camera=${camera}`)).status).toBe(202);
  const order = await until(() => orders().at(count));
  expect((await put(order, aPicture(mark))).status).toBe(204);
};

describe('a snapshot', () => {
  it('is ordered with the fields of the contract, uploaded by the robot and answered as a picture', async () => {
    const answer = take();
    const order = await lastOrder();
    expect(order).toEqual({
      v: 1,
      requestId: expect.stringMatching(/^[\w-]{36}$/),
      camera: 'main',
      uploadUrl: `${world.url}/v1/snapshots/${order.requestId}`,
      token: expect.stringMatching(/^[\w-]{43}$/),
      issuedAt: expect.any(Number),
      replyTo: expect.stringMatching(/^rc\/v1\/gw\//),
    });
    const picture = aPicture(7);
    expect((await put(order, picture)).status).toBe(204);
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(Buffer.from(await response.arrayBuffer()).equals(picture)).toBe(true);
  });

  it('need not be waited for', async () => {
    const answer = await take('?wait=none');
    expect(answer.status).toBe(202);
    const body = (await answer.json()) as { url: string; takenAt: null };
    expect(body.takenAt).toBeNull();
    expect(answer.headers.get('location')).toBe(body.url);
    const headers = world.viewer.headers();
    expect((await fetch(body.url, { headers })).status).toBe(404);
    await put(await lastOrder(), aPicture());
    const picture = await fetch(body.url, { headers });
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    expect((await fetch(body.url)).status).toBe(401);
    expect((await fetch(body.url, { headers: world.stranger.headers() })).status).toBe(404);
  });

  it('is uploaded once, with its own token, in time', async () => {
    await take('?wait=none');
    const order = await lastOrder();
    expect((await put({ ...order, token: 'x'.repeat(43) }, aPicture())).status).toBe(401);
    expect(
      (
        await fetch(order.uploadUrl, {
          method: 'PUT',
          headers: { 'content-type': 'image/jpeg' },
          body: aPicture(),
        })
      ).status,
    ).toBe(401);
    const other = {
      ...order,
      uploadUrl: order.uploadUrl.replace(order.requestId, '00000000-0000-4000-8000-000000000000'),
    };
    expect((await put(other, aPicture())).status).toBe(401);
    const both = await Promise.all([put(order, aPicture(1)), put(order, aPicture(2))]);
    expect(both.map(({ status }) => status).sort()).toEqual([204, 401]);
    await take('?wait=none');
    const late = await until(() => orders().at(1));
    await world.database.source.query(`UPDATE snapshots SET expires_at = now() WHERE id = $1`, [
      late.requestId,
    ]);
    expect((await put(late, aPicture())).status).toBe(401);
  });

  it.each([
    ['no picture', Buffer.from('<html>'), 'image/jpeg', 415],
    ['nothing', Buffer.alloc(0), 'image/jpeg', 415],
    ['a PNG', aPicture(), 'image/png', 415],
    ['JSON', '{}', 'application/json', 415],
    ['a picture that was cut off', aPicture().subarray(0, 3_000), 'image/jpeg', 415],
    ['a byte too many', aPicture(1, 524_289), 'image/jpeg', 413],
  ])('that is %s is refused with a problem document', async (_, body, type, status) => {
    await take('?wait=none');
    const order = await lastOrder();
    const answer = await put(order, body, type);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect((await put(order, aPicture(1, 524_288))).status).toBe(204);
  });

  it('is taken in at its own place only', async () => {
    for (const path of ['/v1/robots', '/v1/auth/login', '/v1/enroll']) {
      const headers = { ...world.admin.headers(), 'content-type': 'image/jpeg' };
      const answer = await fetch(`${world.url}${path}`, { method: 'POST', headers, body: aPicture() });
      expect([path, answer.status]).toEqual([path, 415]);
    }
  });

  it('fails at once when the robot refuses, and when it says that it could not', async () => {
    robot.answer = () => ({ code: 'rejected', reason: 'no such camera' });
    expect((await take()).status).toBe(422);
    robot.answer = () => ({ code: 'accepted' });
    const answer = take();
    const { requestId } = await until(() => orders().at(1));
    await robot.publish(
      'rc/v1/robots/r1/evt/snapshot',
      JSON.stringify({ v: 1, requestId, camera: 'main', uploaded: false, detail: 'camera unplugged' }),
    );
    const failed = await answer;
    expect(failed.status).toBe(422);
    expect(((await failed.json()) as { title: string }).title).toContain('camera unplugged');
  });

  it('is given up after ten seconds', async () => {
    const started = performance.now();
    const answer = await take();
    expect(answer.status).toBe(504);
    expect(performance.now() - started).toBeGreaterThan(9_500);
    expect(performance.now() - started).toBeLessThan(13_000);
  });

  it('is not for who may not both watch and drive, nor of what is not there', async () => {
    expect((await world.viewer.post('/v1/robots/r1/snapshot')).status).toBe(403);
    expect((await world.stranger.post('/v1/robots/r1/snapshot')).status).toBe(404);
    expect((await world.admin.post('/v1/robots/r1/snapshot?camera=front')).status).toBe(404);
    expect((await world.admin.post('/v1/robots/nobody/snapshot')).status).toBe(404);
    const { body } = await world.admin.post('/v1/robots/r1/snapshot?camera=a%20b&wait=ever');
    expect(body.fields.map(({ field }: { field: string }) => field).sort()).toEqual(['camera', 'wait']);
    expect(orders()).toEqual([]);
  });

  it('is owed four times by a robot, no more', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => take('?wait=none')));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    const fifth = await take('?wait=none');
    expect([fifth.status, fifth.headers.get('retry-after')]).toEqual([429, '5']);
  });
});

it('the newest ten of each camera are kept and listed, newest first', async () => {
  for (let mark = 1; mark <= 12; mark += 1) await taken(mark);
  await taken(99, 'rear');
  const { body } = await world.viewer.get('/v1/robots/r1/snapshots');
  expect(body.items).toHaveLength(11);
  expect(body.items[0].camera).toBe('rear');
  const main = (await world.viewer.get('/v1/robots/r1/snapshots?camera=main')).body.items;
  expect(main).toHaveLength(10);
  const newest = await fetch(main[0].url, { headers: world.viewer.headers() });
  expect(Buffer.from(await newest.arrayBuffer())[100]).toBe(12);
  expect((await world.stranger.get('/v1/robots/r1/snapshots')).status).toBe(404);
  expect((await world.viewer.get('/v1/robots/r1/snapshots?camera=front')).status).toBe(404);
});
