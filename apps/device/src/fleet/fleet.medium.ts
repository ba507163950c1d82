import { aedesBroker } from '../../../../test/support/brokers';
import { runFleet } from './fleet.run';

it.each([0, 0.05])(
  '200 robots do what was wished last when %s of the messages are lost',
  async (loss) => {
    const broker = await aedesBroker();
    try {
      const sheet = await runFleet({ robots: 200, url: broker.url, version: 4, loss, seconds: 2 });
      expect(sheet).toMatchObject({
        robots: 200,
        connected: 200,
        converged: 200,
        reporting: 200,
        unanswered: 0,
        doubled: 0,
      });
      expect(sheet.orders).toBeGreaterThan(100);
      if (loss === 0) expect(sheet.retries).toBe(0);
    } finally {
      await broker.stop();
    }
  },
  90_000,
);
