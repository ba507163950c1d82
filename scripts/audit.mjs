// `npm run audit:gate [-- --allow-offline]`: fails when a dependency that we ship has a known hole of moderate weight or more,
// unless scripts/audit-exceptions.json names it with a reason and a date that has not passed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const WEIGHTS = ['moderate', 'high', 'critical'];

/**
 * What is wrong, one line each.
 * @param report what `npm audit --json` printed
 * @param exceptions `{ advisory, package, reason, until: 'YYYY-MM-DD' }`
 * @param today `YYYY-MM-DD`
 */
export function findings(report, exceptions, today) {
  const advisories = new Map();
  for (const { name, via } of Object.values(report.vulnerabilities ?? {})) {
    for (const cause of via) {
      if (typeof cause === 'object' && WEIGHTS.includes(cause.severity))
        advisories.set(idOf(cause), { ...cause, name });
    }
  }
  const malformed = exceptions.filter(
    ({ advisory, reason, until }) => !advisory || !reason || !/^\d{4}-\d{2}-\d{2}$/.test(until ?? ''),
  );
  const open = [...advisories].flatMap(([id, { name, severity, title }]) => {
    const exception = exceptions.find(({ advisory }) => advisory === id);
    if (exception && exception.until >= today) return [];
    const past = exception ? ` (its exception ended on ${exception.until})` : '';
    return [`${id}: ${name}, ${severity}: ${title}${past}`];
  });
  const needless = exceptions.filter(({ advisory }) => advisory && !advisories.has(advisory));
  return [
    ...malformed.map(
      (each) => `an exception needs advisory, reason and until (YYYY-MM-DD): ${JSON.stringify(each)}`,
    ),
    ...open,
    ...needless.map(({ advisory }) => `${advisory}: its exception is not needed any more, remove it`),
  ];
}

const idOf = ({ url, source }) => /GHSA-[\w-]+/.exec(url ?? '')?.[0] ?? String(source);

/** The report, or undefined when the registry did not give one. */
export function readReport(text) {
  try {
    const report = JSON.parse(text);
    return report.auditReportVersion ? report : undefined;
  } catch {
    return undefined;
  }
}

function main() {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64e6,
  });
  const report = readReport(stdout ?? '');
  if (!report) {
    console.error('The registry gave no audit report, so nothing is known about the dependencies.');
    process.exit(process.argv.includes('--allow-offline') ? 0 : 1);
  }
  const exceptions = JSON.parse(readFileSync(join(ROOT, 'scripts/audit-exceptions.json'), 'utf8'));
  const problems = findings(report, exceptions, new Date().toISOString().slice(0, 10));
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? 'No known hole in what we ship.' : `${problems.length} to look at.`);
  process.exit(problems.length === 0 ? 0 : 1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
