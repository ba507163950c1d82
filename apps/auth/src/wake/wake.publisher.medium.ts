import { parseMessage, WAKE_CHANNEL, WakeRequest } from '@rovercast/contracts';
import { PostgresListener } from '@rovercast/database';
import { randomUUID } from 'node:crypto';
import { aDatabase, type TestDatabase } from '../../../../test/support/database';
import { until } from '../../../../test/support/until';
import { WakePublisher } from './wake.publisher';

describe('the word to the gateways', () => {
  let database: TestDatabase;
  let listener: PostgresListener;
  const heard: string[] = [];

  beforeAll(async () => {
    database = await aDatabase({ empty: true });
    listener = new PostgresListener({
      url: database.url,
      applicationName: 'test',
      channels: [WAKE_CHANNEL],
      onNotify: (_, payload) => heard.push(payload),
    });
    listener.start();
    await until(() => listener.connected);
  });
  afterAll(async () => {
    await listener.close();
    await database.drop();
  });

  it('arrives as it was sent, however odd the name of who reads', async () => {
    const request = { id: randomUUID(), path: 'robots/r1', reader: `O'Neil "ü" \\ $1`, ageMs: 12 };
    await new WakePublisher(database.source).publish(request);
    await until(() => heard.length > 0);
    expect({ ...parseMessage(WakeRequest, Buffer.from(heard[0])) }).toEqual(request);
  });
});
