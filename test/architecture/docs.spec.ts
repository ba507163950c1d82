import { TOPICS, type TopicRule } from '@rovercast/contracts';
import { settingNames } from '@rovercast/platform';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthSettings } from '../../apps/auth/src/auth.settings';
import { DeviceSettings } from '../../apps/device/src/settings/device.settings';
import { GatewaySettings } from '../../apps/gateway/src/gateway.settings';
import { MonitorSettings } from '../../apps/monitor/src/monitor.settings';

const ROOT = join(__dirname, '../..');
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The rows of a Markdown table, cells trimmed and without backquotes. */
const rows = (file: string): string[][] =>
  text(file)
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', '')),
    );

const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() &&
        entry.name.endsWith('.ts') &&
        !/\.(spec|medium|contract|e2e|fault)\.ts$/.test(entry.name),
    )
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

describe('.env.example', () => {
  const named = new Set(
    [...text('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name),
  );

  it.each([
    ['auth', AuthSettings],
    ['gateway', GatewaySettings],
    ['monitor', MonitorSettings],
    ['device', DeviceSettings],
  ])('names every setting of %s', (_, type) => {
    expect(settingNames(type as new () => object).filter((name) => !named.has(name))).toEqual([]);
  });
});

describe('docs/topics.md', () => {
  it('has the table of topics as the code has it', () => {
    const documented = rows('docs/topics.md').map(([pattern, from, qos, retain, expiry]) => ({
      pattern,
      from,
      qos: Number(qos),
      retain: retain === 'yes',
      expirySeconds: expiry === 'never' ? null : Number(expiry),
    }));
    expect(documented).toEqual(Object.values(TOPICS).map((rule: TopicRule) => ({ ...rule })));
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric and no other', () => {
    const made = [...sources('apps'), ...sources('libs')].flatMap((source) =>
      [...source.matchAll(/new (?:Counter|Gauge|Histogram)(?:<[^>]*>)?\(\s*\{\s*name: '([a-z_]+)'/g)].map(
        ([, name]) => name,
      ),
    );
    expect(made.length).toBeGreaterThan(10);
    expect(
      rows('docs/metrics.md')
        .map(([name]) => name)
        .sort(),
    ).toEqual([...new Set(made)].sort());
  });
});
