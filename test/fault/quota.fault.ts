import { SlotStore } from '@rovercast/quota';
import { createDataSource } from '@rovercast/database';
import {
  aGroup,
  deadlocks,
  newEpoch,
  runLoad,
  seeded,
  setTotal,
  startSampler,
} from '../../libs/quota/src/test-quota';
import { aDatabase, asSuperuser, type TestDatabase } from '../support/database';

/** The sizes of the full run; QUOTA_OPERATIONS makes it smaller. */
const WORKERS = 64;
const OPERATIONS = Number(process.env.QUOTA_OPERATIONS ?? 5_000);
const LIMITS = { dubai_police_: 50, metro_: 30, bus_: 20, other_: 400 };
const TOTAL = 300;

let database: TestDatabase;
beforeAll(async () => {
  database = await aDatabase();
  await setTotal(database.source, { streams: TOTAL });
  for (const [name, streams] of Object.entries(LIMITS)) await aGroup(database.source, name, { streams });
});
afterAll(() => database.drop());

const paths = Object.entries(LIMITS).flatMap(([name, streams]) =>
  Array.from({ length: streams * 2 }, (_, n) => `cameras/${name}${n}`),
);

async function expectNoDrift(store: SlotStore, epoch: number): Promise<void> {
  for (const { scope, used, reserved, active } of await store.usage())
    expect({ scope, used }).toEqual({ scope, used: reserved + active });
  expect(await store.recount(epoch)).toEqual([]);
}

it(`never over-admits, drifts or deadlocks under ${WORKERS} workers of ${OPERATIONS} operations`, async () => {
  const store = new SlotStore(database.source, 10_000);
  const epoch = await newEpoch(database.source);
  const before = await deadlocks(database.source);
  const sampler = startSampler(database.source, 50);
  const startedAt = performance.now();
  const load = await runLoad(store, {
    workers: WORKERS,
    operations: OPERATIONS,
    paths,
    epoch,
    random: seeded(1),
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  await sampler.stop();
  const { granted, held, denied, acquireMs } = load;
  process.stdout.write(
    `${JSON.stringify({
      operationsPerSecond: Math.round((WORKERS * OPERATIONS) / seconds),
      granted,
      held,
      denied,
      samples: sampler.samples,
      acquireP50Ms: acquireMs[Math.floor(acquireMs.length * 0.5)],
      acquireP99Ms: acquireMs[Math.floor(acquireMs.length * 0.99)],
    })}\n`,
  );
  expect(load.failed).toEqual([]);
  expect(sampler.findings).toEqual([]);
  expect(await deadlocks(database.source)).toBe(before);
  await expectNoDrift(store, epoch);
}, 900_000);

it('neither over-admits nor drifts while its connections are killed', async () => {
  const victims = createDataSource({ url: database.url, applicationName: 'victim', poolSize: 8 });
  await victims.initialize();
  const store = new SlotStore(victims, 5_000);
  const epoch = await newEpoch(database.source);
  const sampler = startSampler(database.source, 20);
  let running = true;
  let kills = 0;
  const killer = (async () => {
    while (running) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      const rows = await asSuperuser(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE application_name = 'victim' AND datname = $1 ORDER BY random() LIMIT 1`,
        [new URL(database.url).pathname.slice(1)],
      );
      kills += rows.length;
    }
  })();
  const operations = Math.min(OPERATIONS, 1_000);
  const load = await runLoad(store, { workers: 16, operations, paths, epoch, random: seeded(2) });
  running = false;
  await killer;
  await sampler.stop();
  expect(kills).toBeGreaterThan(10);
  expect(load.granted).toBeGreaterThan(100);
  expect(sampler.findings).toEqual([]);
  await expectNoDrift(new SlotStore(database.source), epoch);
  await victims.destroy();
}, 300_000);
