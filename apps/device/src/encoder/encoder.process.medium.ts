import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isAlive, pretendEncoder, until } from '../test-parts';
import { EncoderProcess, type EncoderCommand, type EncoderExit } from './encoder.process';

const TIES: [string, boolean][] = [
  ['tied by setpriv', true],
  ['tied by the small Node process', false],
];

describe.each(TIES)('an encoder %s', (_, setpriv) => {
  const start = (mode: string, timing: EncoderCommand['timing'] = {}) => {
    const fake = pretendEncoder();
    const seen = { live: 0, exits: [] as EncoderExit[] };
    const encoder = new EncoderProcess(
      { backend: 'ffmpeg', file: fake.path, args: [mode], setpriv, timing },
      { live: () => (seen.live += 1), exit: (exit) => seen.exits.push(exit) },
    );
    return { encoder, seen, fake };
  };

  it('is live with its first frame, tells its numbers, and ends when asked', async () => {
    const { encoder, seen, fake } = start('ok');
    await until(() => seen.live === 1 && (encoder.stats.frames ?? 0) > 3);
    encoder.stop();
    await until(() => seen.exits.length === 1);
    expect(fake.pids().filter(isAlive)).toEqual([]);
    expect(seen.live).toBe(1);
  });

  it('is killed with its helpers when it does not listen', async () => {
    const { encoder, seen, fake } = start('stubborn', { stopKillMs: 100 });
    await until(() => fake.pids().length === 2 && seen.live === 1);
    const asked = performance.now();
    encoder.stop();
    await until(() => seen.exits.length === 1);
    expect(performance.now() - asked).toBeLessThan(2_000);
    await until(() => fake.pids().filter(isAlive).length === 0);
  });

  it('is ended when its frames stand still', async () => {
    const { seen, fake } = start('hang', { stallMs: 300, stallKillMs: 100 });
    await until(() => seen.exits.length === 1);
    expect(seen.exits[0]).toMatchObject({ stalled: true });
    expect(seen.exits[0].lines.at(-1)).toBe('no frame for 300 ms');
    expect(fake.pids().filter(isAlive)).toEqual([]);
  });

  it('leaves its last twenty words, without secrets', async () => {
    const { seen } = start('fail');
    await until(() => seen.exits.length === 1);
    expect(seen.exits[0].lines).toHaveLength(20);
    expect(seen.exits[0].lines.at(-1)).toBe('rtmp://h/robots/r1?token=*** Operation not permitted');
    expect(JSON.stringify(seen.exits)).not.toContain('hunter2');
    expect(seen.exits[0].exitCode).toBe(1);
  });
});

it('ends with a word when its program is missing', async () => {
  const exits: EncoderExit[] = [];
  new EncoderProcess(
    { backend: 'ffmpeg', file: '/nowhere/ffmpeg', args: [], setpriv: true },
    { live: () => {}, exit: (exit) => exits.push(exit) },
  );
  await until(() => exits.length === 1);
  expect(exits[0].lines.join()).toMatch(/nowhere/);
});

/** Loads TypeScript sources as they are, so that the process under test is the agent's code and not a build of it. */
const LOADER = `
const Module = require('node:module');
const { readFileSync } = require('node:fs');
const root = ${JSON.stringify(resolve(__dirname, '../../../..'))};
const ts = require(root + '/node_modules/typescript');
const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
require.extensions['.ts'] = (module, file) =>
  module._compile(ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions }).outputText, file);
const { EncoderProcess } = require(root + '/apps/device/src/encoder/encoder.process.ts');
const [file, setpriv] = process.argv.slice(2);
new EncoderProcess(
  { backend: 'ffmpeg', file, args: ['stubborn'], setpriv: setpriv === 'true' },
  { live: () => console.log('live'), exit: () => {} },
);
setInterval(() => {}, 1000);
`;

describe.each(TIES)('when the agent is killed with SIGKILL, an encoder %s', (_, setpriv) => {
  it('is gone, though it ignores SIGTERM', async () => {
    const fake = pretendEncoder();
    const folder = mkdtempSync(join(tmpdir(), 'agent-'));
    const loader = join(folder, 'agent.cjs');
    const scrubStub = `require.cache; const M = require('node:module'); const r = M._resolveFilename; M._resolveFilename = (q, ...a) => r(q === '@rovercast/platform' ? ${JSON.stringify(resolve(__dirname, '../../../../libs/platform/src/scrub.rules.ts'))} : q, ...a);`;
    writeFileSync(loader, scrubStub + LOADER);
    const agent = spawn(process.execPath, [loader, fake.path, String(setpriv)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(agent.stdout, 'data');
    await until(() => fake.pids().length === 2);
    const [leader] = fake.pids();
    expect(isAlive(leader)).toBe(true);
    agent.kill('SIGKILL');
    await until(() => !isAlive(leader), { timeoutMs: 5_000 });
    for (const pid of fake.pids().filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
});
