import { aDatabase, terminateConnections, type TestDatabase } from '../../../test/support/database';
import { aProxyTo } from '../../../test/support/tcp-proxy';
import { until } from '../../../test/support/until';
import { PostgresListener } from './listener';

describe('PostgresListener', () => {
  let database: TestDatabase;
  let listener: PostgresListener | undefined;

  beforeAll(async () => {
    database = await aDatabase();
  });
  afterEach(() => listener?.close());
  afterAll(() => database.drop());

  const aListener = (url = database.url) => {
    const seen = { connects: 0, errors: [] as Error[], heard: [] as string[] };
    listener = new PostgresListener({
      url,
      applicationName: 'test',
      channels: ['one', 'Two words'],
      retryMs: 20,
      onNotify: (channel, payload) => seen.heard.push(`${channel}:${payload}`),
      onConnect: () => (seen.connects += 1),
      onError: (error) => seen.errors.push(error),
    });
    listener.start();
    return { seen, listener };
  };

  it('hears its channels and no others', async () => {
    const { seen } = aListener();
    await until(() => seen.connects === 1);
    await database.source.query(
      `SELECT pg_notify('other', 'x'), pg_notify('one', 'a'), pg_notify('Two words', '')`,
    );
    await until(() => seen.heard.length === 2);
    expect(seen.heard).toEqual(['one:a', 'Two words:']);
  });

  it('comes back after its connection is ended, and says so', async () => {
    const { seen, listener: it } = aListener();
    await until(() => seen.connects === 1);
    for (let round = 2; round <= 4; round += 1) {
      expect(await terminateConnections(database.url, 'test-listen')).toBe(1);
      await until(() => seen.connects === round);
      expect(it.connected).toBe(true);
    }
    await database.source.query(`NOTIFY one, 'again'`);
    await until(() => seen.heard.includes('one:again'));
    expect(seen.errors.length).toBeGreaterThanOrEqual(1);
  });

  it('waits for a server that is not there yet, or mute', async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await aProxyTo({ host: hostname, port: Number(port) });
    try {
      proxy.setMode('refuse');
      const url = new URL(database.url);
      url.port = String(proxy.port);
      const { seen, listener: it } = aListener(url.toString());
      await until(() => seen.errors.length >= 2);
      expect(it.connected).toBe(false);
      proxy.setMode('mute');
      const before = seen.errors.length;
      await until(() => seen.errors.length > before + 1, { timeoutMs: 8_000 });
      proxy.setMode('relay');
      await until(() => seen.connects === 1, { timeoutMs: 5_000 });
    } finally {
      await proxy.close();
    }
  });

  it('is gone for good once closed, even while it connects', async () => {
    const first = aListener();
    await until(() => first.seen.connects === 1);
    await first.listener.close();
    const second = aListener();
    await second.listener.close();
    await until(async () => (await terminateConnections(database.url, 'test-listen')) === 0);
    expect([first.seen.connects, second.listener.connected]).toEqual([1, false]);
  });

  it('does not repeat the password of its URL in an error', async () => {
    const url = new URL(database.url);
    url.password = 'CANARY-55';
    const { seen } = aListener(url.toString());
    await until(() => seen.errors.length > 0);
    expect(String(seen.errors[0])).not.toContain('CANARY-55');
  });
});
