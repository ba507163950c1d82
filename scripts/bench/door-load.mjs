// Asks like MediaMTX v1.20.1 does: a new TCP connection for every question, closed by the asker after the answer. Written on
// bare sockets, because node:http's client costs more than the handlers that are compared and would make them look alike.
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from './helper.mjs';
import { summarize } from './measure.mjs';

const ANSWER_TIMEOUT_MS = 10_000;

const bytesOf = ({ port, authorization }, body) =>
  Buffer.from(
    `POST /mediamtx/auth HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: Go-http-client/1.1\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nAuthorization: ${authorization}\r\n` +
      `Content-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n${body}`,
  );

/** The status, once the whole answer is there. */
function statusOf(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end));
  if (length && text.length < end + 4 + Number(length[1])) return undefined;
  return Number(text.slice(9, 12));
}

/** One question; 0 stands for a connection that broke or an answer that never came. */
function ask(port, bytes) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    const finish = (status) => {
      socket.destroy();
      resolve(status);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => finish(0));
    socket.on('data', (chunk) => {
      text += chunk.latin1Slice();
      const status = statusOf(text);
      if (status !== undefined) finish(status);
    });
    socket.on('error', () => finish(0));
    socket.on('close', () => resolve(0));
    socket.write(bytes);
  });
}

/** Counts answers by what they should have been. */
class Tally {
  durationsMs = [];
  unexpected = {};

  async ask(port, { bytes, expected }, since = performance.now()) {
    const status = await ask(port, bytes);
    this.durationsMs.push(performance.now() - since);
    if (expected.includes(status)) return;
    this.unexpected[status] = (this.unexpected[status] ?? 0) + 1;
  }

  summary() {
    return { ...summarize(this.durationsMs), unexpected: this.unexpected };
  }
}

const prepare = (target, questions) =>
  questions.map(({ body, expected }) => ({ bytes: bytesOf(target, body), expected }));

/** As many chains at once as asked; the questions of one chain come one after the other. */
async function askChains({ target, chains, concurrency, repeat = 1 }) {
  const prepared = chains.map((chain) => prepare(target, chain));
  const total = prepared.length * repeat;
  const tally = new Tally();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < total; index = next++) {
      for (const question of prepared[index % prepared.length]) await tally.ask(target.port, question);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - began) / 1000;
  return { ...tally.summary(), seconds, perSecond: tally.durationsMs.length / seconds };
}

/** Asks at fixed moments whatever the answers do; a question's time counts from the moment at which it was due. */
async function askAtRate({ target, questions, perSecond, seconds }) {
  const prepared = prepare(target, questions);
  const tally = new Tally();
  const began = performance.now();
  const open = [];
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = began + (index * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await delay(early);
    open.push(tally.ask(target.port, prepared[index % prepared.length], due));
  }
  await Promise.all(open);
  return tally.summary();
}

/** Several kinds of traffic beside each other. */
async function askAtRates({ streams }) {
  const names = Object.keys(streams);
  const results = await Promise.all(names.map((name) => askAtRate(streams[name])));
  return Object.fromEntries(names.map((name, index) => [name, results[index]]));
}

const JOBS = { chains: askChains, rates: askAtRates };
serve(() => ({ perform: (job) => JOBS[job.kind](job) }));
