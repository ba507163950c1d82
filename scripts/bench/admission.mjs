// Admissions per second against a plain UPDATE of one row, on the same Postgres in the same run.
//   DATABASE_URL=postgres://… node scripts/bench/admission.mjs [--seconds 8] [--workers 8,16,32,64]
// The database must have the tables (auth migrate) and be one that nobody else uses: groups bench_* are added and removed again.
import pg from 'pg';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, workers: { type: 'string', default: '8,16,32' } },
});
const url = process.env.DATABASE_URL;
if (!url) {
  console.error('DATABASE_URL is not set');
  process.exit(1);
}
const secondsEach = Number(values.seconds);
const workerCounts = values.workers.split(',').map(Number);
const LIMITS = { bench_police_: 50, bench_metro_: 30, bench_bus_: 20, bench_other_: 400 };
const GROUPS = Object.keys(LIMITS);

const pool = new pg.Pool({
  connectionString: url,
  max: Math.max(...workerCounts),
  application_name: 'bench',
});
const one = async (sql, parameters) => (await pool.query(sql, parameters)).rows[0];

await pool.query(
  'CREATE TABLE IF NOT EXISTS bench_counter (id int PRIMARY KEY, used bigint NOT NULL) WITH (fillfactor = 20)',
);
await pool.query('INSERT INTO bench_counter VALUES (1, 0) ON CONFLICT DO NOTHING');
const settings = await one('SELECT * FROM quota_settings');
await pool.query(
  'UPDATE quota_settings SET max_streams = 500, max_pending_per_principal = 2, max_pending_percent = 100',
);
for (const [name, streams] of Object.entries(LIMITS))
  await pool.query(
    'INSERT INTO groups (name, patterns, max_streams) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [name, JSON.stringify([{ kind: 'prefix', value: name }]), streams],
  );
const { rules_version: version } = await one('SELECT rules_version FROM quota_settings');

const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
const round = (value) => Math.round(value * 10) / 10;

/** Workers that call `once` until the time is up; each call answers how long its measured part took. */
async function measure(workers, once) {
  const times = [];
  const endsAt = performance.now() + secondsEach * 1_000;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      for (let turn = 0; performance.now() < endsAt; turn += 1) times.push(await once(worker, turn));
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  times.sort((a, b) => a - b);
  return {
    perSecond: Math.round(times.length / seconds),
    p50Ms: round(quantile(times, 0.5)),
    p99Ms: round(quantile(times, 0.99)),
  };
}

const timed = async (work) => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const update = () =>
  timed(() => pool.query({ name: 'u', text: 'UPDATE bench_counter SET used = used + 1 WHERE id = 1' }));

/** Own paths in all groups: an admission with every lock and check, timed, then the release that makes room, not timed. */
const outcomes = {};
const admit = async (worker, turn) => {
  const group = GROUPS[(worker + turn) % GROUPS.length];
  const path = `${group}${worker}`;
  let row;
  const ms = await timed(async () => {
    ({
      rows: [row],
    } = await pool.query({
      name: 'a',
      text: `SELECT outcome, slot_id FROM acquire_slot($1, $2, $3, 'camera', $1, NULL, NULL, NULL, NULL, 30000, 5000)`,
      values: [path, group, version],
    }));
  });
  outcomes[row.outcome] = (outcomes[row.outcome] ?? 0) + 1;
  if (row.slot_id) {
    await pool.query({
      name: 'r',
      text: `SELECT release_slot($1, NULL, NULL, 'STOPPED', NULL)`,
      values: [row.slot_id],
    });
  }
  return ms;
};

/** The robot that asks again: the door's usual case. */
const reenter = (worker) =>
  timed(() =>
    pool.query({
      name: 'h',
      text: `SELECT outcome FROM acquire_slot($1, 'bench_other_', $2, 'camera', $1, NULL, NULL, NULL, NULL, 30000, 5000)`,
      values: [`bench_other_held_${worker}`, version],
    }),
  );

const results = [];
for (const workers of workerCounts) {
  const plain = await measure(workers, update);
  const admission = await measure(workers, admit);
  const held = await measure(workers, reenter);
  results.push({
    workers,
    plainUpdate: plain,
    admission,
    held,
    admissionToPlain: Number((admission.perSecond / plain.perSecond).toFixed(2)),
  });
  await pool.query(`UPDATE slots SET state = 'ended', ended_at = now(), reason = 'STOPPED', reserved_until = NULL
    WHERE group_name LIKE 'bench_%' AND state <> 'ended'`);
  await pool.query(
    `UPDATE quota_counters SET used = (SELECT count(*) FROM slots s WHERE s.state <> 'ended' AND (scope = '*' OR s.group_name = scope))`,
  );
}

await pool.query(`DELETE FROM slots WHERE group_name LIKE 'bench_%'`);
await pool.query(`DELETE FROM groups WHERE name LIKE 'bench_%'`);
await pool.query('DROP TABLE bench_counter');
await pool.query(
  'UPDATE quota_settings SET max_streams = $1, max_pending_per_principal = $2, max_pending_percent = $3',
  [settings.max_streams, settings.max_pending_per_principal, settings.max_pending_percent],
);
const { fsync, synchronous_commit: synchronousCommit } = await one(
  `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit`,
);
await pool.end();
console.log(
  JSON.stringify({ bench: 'admission', secondsEach, fsync, synchronousCommit, outcomes, results }, null, 2),
);
