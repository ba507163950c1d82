// The door against a bare handler: the same questions by the same asker, taking turns within every round.
import { medians, withCpuOf } from './measure.mjs';
import { byKey, byPassword, byTicket, forBare, reconnects, wrongPasswords } from './questions.mjs';

const chainsOf = (questions) => questions.map((question) => [question]);

function casesOf(system) {
  return {
    'ticket, read': byTicket(system, 'read'),
    'ticket, publish': byTicket(system, 'publish'),
    'key, publish': byKey(system),
    'cached password, read': byPassword('read'),
    'cached password, publish': byPassword('publish'),
  };
}

/** One burst of questions, with what it cost the answering process, and the asking one. */
async function burst({ load }, target, chains, { concurrency, repeat }) {
  const job = { kind: 'chains', target, chains, concurrency, repeat };
  const asking = () => withCpuOf(load.pid, () => load.ask(job));
  const { result: asked, cpuMs } = await withCpuOf(target.pid, asking);
  const { result, cpuMs: askerMs } = asked;
  return { ...result, cpuMsPerCall: cpuMs / result.count, askerCpuMsPerCall: askerMs / result.count };
}

const unexpectedIn = (rounds) =>
  rounds.reduce((sum, { unexpected }) => sum + Object.values(unexpected).reduce((a, b) => a + b, 0), 0);

/** What the rounds of one case come to beside the bare rounds of the same turn. */
function compare(rounds, bare) {
  const ratios = rounds.map((round, index) => ({
    rateRatio: round.perSecond / bare[index].perSecond,
    cpuRatio: round.cpuMsPerCall / bare[index].cpuMsPerCall,
  }));
  return { ...medians(rounds), ...medians(ratios), unexpected: unexpectedIn(rounds), rounds: rounds.length };
}

async function atConcurrency(bench, concurrency, calls) {
  const { system, bare } = bench;
  const cases = casesOf(system);
  const names = Object.keys(cases);
  const seen = Object.fromEntries(names.map((name) => [name, []]));
  const seenBare = [];
  const bareChains = chainsOf(forBare(cases['ticket, read']));
  const repeatOf = (chains) => Math.max(1, Math.round(calls / chains.length));
  const ask = (target, chains) => burst(bench, target, chains, { concurrency, repeat: repeatOf(chains) });
  await bench.rounds(async (round) => {
    const before = await ask(bare, bareChains);
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      seen[name].push(await ask(system.door, chainsOf(cases[name])));
    }
    seenBare.push(medians([before, await ask(bare, bareChains)]));
  });
  return {
    concurrency,
    bare: medians(seenBare),
    cases: Object.fromEntries(names.map((name) => [name, compare(seen[name], seenBare)])),
  };
}

/** Passwords into the cache, everything through the compiler. */
async function warmUp(bench) {
  for (const questions of Object.values(casesOf(bench.system))) {
    await burst(bench, bench.system.door, chainsOf(questions), { concurrency: 2, repeat: 2 });
    await burst(bench, bench.bare, chainsOf(forBare(questions)), { concurrency: 2, repeat: 2 });
  }
}

/** Budget: half of the bare handler's rate, p99 ≤ 5 ms. */
export async function measureDoor(bench) {
  await warmUp(bench);
  const results = [];
  for (const [concurrency, calls] of [
    [1, 500],
    [16, 1_500],
  ]) {
    bench.say(`door, ${concurrency} at once`);
    results.push(await atConcurrency(bench, concurrency, calls));
  }
  return results;
}

const STORM = { ticketsPerSecond: 100, wrongPerSecond: 50 };

/**
 * Tickets at a steady rate, with and without wrong logins beside them. The bare handler is asked at the same rate in the same
 * seconds: its p99 is what the machine itself does to anybody while two threads compute argon2.
 */
export async function measureStorm(bench) {
  bench.say('password storm');
  const { system, bare, load } = bench;
  const seconds = bench.quick ? 3 : 10;
  const steady = { perSecond: STORM.ticketsPerSecond, seconds };
  const tickets = byTicket(system, 'read');
  const calm = {
    ticket: { target: system.door, questions: tickets, ...steady },
    bare: { target: bare, questions: forBare(tickets), ...steady },
  };
  const seen = { quiet: [], storm: [] };
  await bench.rounds(
    async () => {
      const wrong = wrongPasswords(STORM.wrongPerSecond * seconds);
      const storm = { target: system.door, questions: wrong, perSecond: STORM.wrongPerSecond, seconds };
      seen.quiet.push(await load.ask({ kind: 'rates', streams: calm }));
      seen.storm.push(await load.ask({ kind: 'rates', streams: { ...calm, storm } }));
    },
    bench.quick ? 1 : 3,
  );
  const sum = (rounds, name) => {
    const own = rounds.map((round) => round[name]);
    return { ...medians(own), unexpected: unexpectedIn(own), rounds: own.length };
  };
  return {
    ...STORM,
    quiet: { ticket: sum(seen.quiet, 'ticket'), bare: sum(seen.quiet, 'bare') },
    storm: {
      ticket: sum(seen.storm, 'ticket'),
      bare: sum(seen.storm, 'bare'),
      wrong: sum(seen.storm, 'storm'),
    },
  };
}

/** Three questions for each of 1,000 robots: one at a time, as one MediaMTX asks, and 16 robots at a time. */
export async function measureReconnect(bench) {
  bench.say('reconnect of 1,000 robots');
  const { system, bare } = bench;
  const chains = reconnects(system);
  const bareChains = chains.map(forBare);
  const results = [];
  for (const concurrency of [1, 16]) {
    const seen = [];
    const seenBare = [];
    await bench.rounds(
      async () => {
        seenBare.push(await burst(bench, bare, bareChains, { concurrency, repeat: 1 }));
        seen.push(await burst(bench, system.door, chains, { concurrency, repeat: 1 }));
      },
      bench.quick ? 1 : 3,
    );
    results.push({ concurrency, robots: chains.length, ...compare(seen, seenBare), bare: medians(seenBare) });
  }
  return results;
}
