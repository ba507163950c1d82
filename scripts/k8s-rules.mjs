// `node scripts/k8s-rules.mjs`: writes the alerts of monitoring/prometheus/rules.yml as the PrometheusRule of k8s/base.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { groups } = parse(readFileSync(join(root, 'monitoring/prometheus/rules.yml'), 'utf8'));
const rule = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'rovercast' },
  spec: { groups },
};
writeFileSync(
  join(root, 'k8s/base/prometheus-rule.yaml'),
  `# Made by node scripts/k8s-rules.mjs from monitoring/prometheus/rules.yml; a test holds the two together.\n${stringify(rule, { lineWidth: 0, singleQuote: true })}`,
);
