import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rovercast-audit-'));
  mkdirSync(join(folder, 'scripts'));
  cpSync(join(ROOT, 'scripts/audit.mjs'), join(folder, 'scripts/audit.mjs'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the gate beside an npm that answers `report`. */
function gate(
  report: unknown,
  exceptions: unknown[] = [],
  ...args: string[]
): { status: number | null; said: string } {
  writeFileSync(join(folder, 'scripts/audit-exceptions.json'), JSON.stringify(exceptions));
  writeFileSync(join(folder, 'report.json'), typeof report === 'string' ? report : JSON.stringify(report));
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncat ${join(folder, 'report.json')}\n`);
  chmodSync(join(folder, 'npm'), 0o755);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, 'scripts/audit.mjs'), ...args],
    {
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env.PATH}` },
    },
  );
  return { status, said: stdout + stderr };
}

const aReport = (severity: string): object => ({
  auditReportVersion: 2,
  vulnerabilities: {
    leftpad: {
      name: 'leftpad',
      via: [
        {
          source: 1,
          severity,
          title: 'pads to the right',
          url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
        },
      ],
    },
    above: { name: 'above', via: ['leftpad'] },
  },
});
const anException = (change: object = {}): object => ({
  advisory: 'GHSA-aaaa-bbbb-cccc',
  package: 'leftpad',
  reason: 'we never pad',
  until: '2999-01-01',
  ...change,
});

it('passes when nothing is known', () =>
  expect(gate({ auditReportVersion: 2, vulnerabilities: {} }).status).toBe(0));

it('fails for a known hole, once, by its name', () => {
  const { status, said } = gate(aReport('high'));
  expect(status).toBe(1);
  expect(said).toContain('GHSA-aaaa-bbbb-cccc: leftpad, high: pads to the right');
});

it('lets pass what weighs little', () => expect(gate(aReport('low')).status).toBe(0));

it.each([
  ['a reason and a date to come', {}, 0, 'No known hole'],
  ['a date that has passed', { until: '2020-01-01' }, 1, 'its exception ended on 2020-01-01'],
  ['no date', { until: undefined }, 1, 'an exception needs'],
  ['no reason', { reason: '' }, 1, 'an exception needs'],
  ['another advisory', { advisory: 'GHSA-dddd-eeee-ffff' }, 1, 'is not needed any more'],
])('an exception with %s', (_, change, status, words) => {
  const found = gate(aReport('high'), [anException(change)]);
  expect(found.status).toBe(status);
  expect(found.said).toContain(words);
});

it.each(['', 'not json', '{"error":{"code":"ENOTFOUND"}}'])(
  'without a report (%j) it fails, unless told to go on',
  (report) => {
    expect(gate(report).status).toBe(1);
    expect(gate(report, [], '--allow-offline').status).toBe(0);
    expect(gate(report).said).toContain('nothing is known');
  },
);
