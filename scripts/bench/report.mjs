// From results to lines that a person reads: what was measured, the budget (design, section 6), met or not.

const ms = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
const times = (value) => `${value.toFixed(2)} ×`;
const perSecond = (value) => `${Math.round(value)}/s`;

const verdict = (met) => (met ? 'met' : 'NOT MET');
const row = (what, measured, budget = '', met = undefined) => ({
  what,
  measured,
  budget,
  verdict: met === undefined ? '' : verdict(met),
});

/** Unexpected answers make a row worthless, so they come first. */
const wrongAnswers = (what, count) =>
  count > 0 ? [row(`  ${what}: WRONG ANSWERS`, String(count), '0', false)] : [];

function doorRows({ concurrency, bare, cases }) {
  const rows = [
    row(`bare node:http, ${concurrency} at once`, `${perSecond(bare.perSecond)}, p99 ${ms(bare.p99Ms)}`),
  ];
  for (const [name, { perSecond: rate, rateRatio, cpuRatio, p50Ms, p99Ms, unexpected }] of Object.entries(
    cases,
  )) {
    const what = `door: ${name}, ${concurrency} at once`;
    const cost = Number.isNaN(cpuRatio) ? '' : `, CPU ${times(cpuRatio)}`;
    rows.push(
      row(what, `${times(rateRatio)} bare (${perSecond(rate)}${cost})`, '≥ 0.5 × bare', rateRatio >= 0.5),
      latencyRow(concurrency, p50Ms, p99Ms),
      ...wrongAnswers(what, unexpected),
    );
  }
  return rows;
}

/** One MediaMTX asks one question at a time; 16 that ask without a pause measure their own queue. */
function latencyRow(concurrency, p50Ms, p99Ms) {
  const measured = `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`;
  return concurrency === 1 ? row('', measured, 'p99 ≤ 5 ms', p99Ms <= 5) : row('', measured);
}

function stormRows({ ticketsPerSecond, wrongPerSecond, quiet, storm }) {
  const calm = `tickets at ${ticketsPerSecond}/s, no storm`;
  const beside = `tickets beside ${wrongPerSecond}/s wrong logins`;
  const both = ({ ticket, bare }) => `p99 ${ms(ticket.p99Ms)} (bare handler: ${ms(bare.p99Ms)})`;
  return [
    row(calm, both(quiet)),
    row(beside, both(storm), 'p99 ≤ 20 ms', storm.ticket.p99Ms <= 20),
    row(
      'the wrong logins',
      `p50 ${ms(storm.wrong.p50Ms)}, max ${ms(storm.wrong.maxMs)}`,
      'max ≤ 300 ms',
      storm.wrong.maxMs <= 300,
    ),
    ...wrongAnswers('tickets', quiet.ticket.unexpected + storm.ticket.unexpected),
    ...wrongAnswers('wrong logins', storm.wrong.unexpected),
  ];
}

function reconnectRows({ concurrency, robots, seconds, bare, p99Ms, unexpected }) {
  const what = `${robots} robots reconnect, ${concurrency} at once`;
  const measured = `${seconds.toFixed(2)} s (bare ${bare.seconds.toFixed(2)} s), p99 ${ms(p99Ms)}`;
  return [row(what, measured, '≤ 10 s', seconds <= 10), ...wrongAnswers(what, unexpected)];
}

function orderRows({ broker, inFlight }) {
  const rows = [];
  for (const [count, { echo, http, order, start, stop, ratios }] of Object.entries(inFlight)) {
    const at = `${broker}, ${count} in flight`;
    rows.push(
      row(`raw MQTT QoS 1 round trip (${at})`, `p50 ${ms(echo.p50Ms)}, ${perSecond(echo.perSecond)}`),
      row('  bare HTTP round trip, kept connections', `p50 ${ms(http.p50Ms)}, ${perSecond(http.perSecond)}`),
      row(
        '  acknowledged order (libs/mqtt alone)',
        `p50 ${ms(order.p50Ms)}, ${perSecond(order.perSecond)}, ${times(ratios.order)} raw MQTT`,
      ),
      startRow(count, start, ratios),
      row('  stop', `p50 ${ms(stop.p50Ms)}, p99 ${ms(stop.p99Ms)}, ${perSecond(stop.perSecond)}`),
      row(
        '  lost or refused',
        String(start.unexpected + stop.unexpected + order.unexpected),
        '0',
        start.unexpected + stop.unexpected + order.unexpected === 0,
      ),
    );
  }
  return rows;
}

function startRow(count, { p50Ms, p99Ms, perSecond: rate }, ratios) {
  const measured = `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, ${perSecond(rate)}, ${times(ratios.start)} (MQTT + HTTP)`;
  if (count === '1') return row('  full start', measured, 'p50 ≤ 10 ms', p50Ms <= 10);
  if (count === '32') return row('  full start', measured, '≥ 500/s', rate >= 500);
  return row('  full start', measured);
}

const ROWS = { door: doorRows, storm: stormRows, reconnect: reconnectRows, orders: orderRows };

/** The rows of all parts that were measured. */
export function rowsOf(results) {
  return Object.entries(results).flatMap(([part, result]) => [result].flat().flatMap(ROWS[part]));
}

export function printTable(rows) {
  const columns = ['what', 'measured', 'budget', 'verdict'];
  const header = { what: 'what', measured: 'measured', budget: 'budget', verdict: '' };
  const widths = columns.map((name) => Math.max(...[header, ...rows].map((each) => each[name].length)));
  const line = (each) =>
    columns
      .map((name, index) => each[name].padEnd(widths[index]))
      .join('  ')
      .trimEnd();
  console.log(`\n${line(header)}\n${widths.map((width) => '-'.repeat(width)).join('  ')}`);
  for (const each of rows) console.log(line(each));
}
