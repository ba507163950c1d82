import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { has } from './processes';

const ROOT = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const groups = (
  parse(read('monitoring/prometheus/rules.yml')) as {
    groups: { rules: { alert?: string; expr: string }[] }[];
  }
).groups;
const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert);

it('the PrometheusRule of k8s/ has the alerts of monitoring/ (node scripts/k8s-rules.mjs)', () => {
  expect(parse(read('k8s/base/prometheus-rule.yaml')).spec.groups).toEqual(groups);
});

it('the runbook has a paragraph for each alert', () => {
  const titles = [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map(([, title]) => title);
  expect(alerts.map(({ alert }) => alert).filter((alert) => !titles.includes(alert!))).toEqual([]);
});

it('alerts and dashboards ask for metrics that exist', () => {
  const sources = ['apps', 'libs'].flatMap((place) =>
    readdirSync(join(ROOT, place), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  );
  const made = new Set(
    sources.flatMap((source) => [...source.matchAll(/name: '([a-z_]+)'/g)].map(([, name]) => name)),
  );
  const dashboards = readdirSync(join(ROOT, 'monitoring/grafana/dashboards')).map((file) =>
    read(`monitoring/grafana/dashboards/${file}`),
  );
  const asked = [...alerts.map(({ expr }) => expr), ...dashboards].flatMap((text) => [
    ...text.matchAll(
      /\b((?:auth|poll|stream|streams|slots|robot|robots|revocation|kicks|media|time_to_live|sessions)_[a-z_]+|viewers)\b(?!=)/g,
    ),
  ]);
  const unknown = asked
    .map(([, name]) => name.replace(/_(bucket|sum|count)$/, ''))
    .filter((name) => !made.has(name));
  expect([...new Set(unknown)]).toEqual([]);
});

(has('promtool') ? describe : describe.skip)('promtool', () => {
  it.each([
    ['check', 'rules', 'rules.yml'],
    ['test', 'rules', 'rules.test.yml'],
  ])('%s %s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, {
      cwd: join(ROOT, 'monitoring/prometheus'),
      encoding: 'utf8',
    });
    expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
  });

  it('finds nothing wrong with the configuration of compose', () => {
    expect(
      spawnSync('promtool', ['check', 'config', '--syntax-only', join(ROOT, 'compose/prometheus.yml')])
        .status,
    ).toBe(0);
  });
});
