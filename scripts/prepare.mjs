// What `npm start` and `npm test` do first: check Node, install the locked packages, build what changed.
// Plain Node without packages, because it runs on a fresh clone.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const rootDir = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const MINIMUM = [20, 19];
const PROJECTS = {
  auth: 'apps/auth',
  monitor: 'apps/monitor',
  gateway: 'apps/gateway',
  device: 'apps/device',
  stack: 'scripts/stack',
};
/** Two compilers keep two cores busy. */
const BUILDS_AT_ONCE = 2;

/** Stops with one sentence; the stack of a broken precondition helps nobody. */
export function stopWith(sentence) {
  console.error(sentence);
  process.exit(1);
}

export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  stopWith(`Rovercast needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}.`);
}

/** Parent and grandparent: npm runs a script by a shell, and does not hand signals through it. */
function ancestors() {
  const stat = `/proc/${process.ppid}/stat`;
  const fields = existsSync(stat) ? readFileSync(stat, 'latin1').split(') ').at(-1).split(' ') : [];
  return `${process.ppid} ${fields[1] ?? ''}`;
}

/** Ends this process as by SIGTERM when npm, or the shell between us and it, is killed. */
export function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 200);
  timer.unref();
}

/** Runs a command and answers its exit code and, when quiet, its output. */
function run(program, args, { quiet = false, env = process.env } = {}) {
  return new Promise((resolveRun) => {
    const isNpm = program === 'npm';
    const npmScript = process.env.npm_execpath;
    const [file, argv] =
      isNpm && npmScript?.endsWith('.js') ? [process.execPath, [npmScript, ...args]] : [program, args];
    const child = spawn(file, argv, {
      cwd: rootDir,
      env,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32' && file === 'npm',
    });
    let output = '';
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    child.on('error', (error) => resolveRun({ code: 1, output: error.message }));
    child.on('close', (code) => resolveRun({ code: code ?? 1, output }));
  });
}

const hashOf = (...texts) =>
  texts.reduce((hash, text) => hash.update(text), createHash('sha256')).digest('hex');
const readOr = (file, otherwise) => (existsSync(file) ? readFileSync(file, 'utf8') : otherwise);
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Installs the locked packages unless node_modules holds them already. */
export async function install() {
  const lock = join(rootDir, 'package-lock.json');
  if (!existsSync(lock)) stopWith('package-lock.json is missing; this is not a complete checkout.');
  const stamp = join(rootDir, 'node_modules', '.rovercast-installed');
  const wanted = hashOf(readFileSync(lock), process.platform, process.arch);
  if (readOr(stamp, '') === wanted) return;
  if (!existsSync(stamp) && holdsLocked(lock)) {
    writeFileSync(stamp, wanted);
    return;
  }
  const began = performance.now();
  console.log('Installing the locked packages (npm ci), about a minute …');
  const { code } = await run(
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      env: { ...process.env, SCARF_ANALYTICS: 'false', NODE_ENV: 'development' },
    },
  );
  if (code !== 0) stopWith('npm ci failed; its own words are above. Is the package registry within reach?');
  writeFileSync(stamp, wanted);
  console.log(`Installed (${seconds(began)}).`);
}

/** Whether somebody else's `npm ci` has put exactly the locked packages there. */
function holdsLocked(lock) {
  const hidden = join(rootDir, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const versions = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const [there, locked] = [versions(hidden), versions(lock)];
  return Object.entries(locked).every(
    ([path, { version, optional, dev, peer }]) =>
      path === '' || optional || (peer && !dev && !there[path]) || there[path]?.version === version,
  );
}

/** All files below a folder that go into a build, in a fixed order. */
function sources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !/\.(spec|medium|contract|e2e|fault)\.ts$/.test(file))
    .sort();
}

/** A text that changes with every input of a project's build. */
function inputsOf(project) {
  const files = [
    ...sources(join(rootDir, PROJECTS[project])),
    ...sources(join(rootDir, 'libs')),
    ...['tsconfig.base.json', 'nest-cli.json', 'package-lock.json', 'scripts/tsconfig.json'].map((name) =>
      join(rootDir, name),
    ),
  ];
  return hashOf(...files.flatMap((file) => [relative(rootDir, file), '\0', readOr(file, ''), '\0']));
}

const stampOf = (project) => join(rootDir, 'dist', '.stamps', project);
const outputOf = (project) =>
  join(
    rootDir,
    'dist',
    project === 'stack' ? 'stack/scripts/stack' : `apps/${project}/apps/${project}/src`,
    'main.js',
  );
const isBuilt = (project) =>
  existsSync(outputOf(project)) && readOr(stampOf(project), '') === inputsOf(project);

async function buildOne(project) {
  const inputs = inputsOf(project); // before: what is edited meanwhile is built the next time
  rmSync(stampOf(project), { force: true });
  const nest = join(rootDir, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const began = performance.now();
  const { code, output } = await run(process.execPath, [nest, 'build', project], { quiet: true });
  if (code !== 0 || !existsSync(outputOf(project))) {
    console.error(output.trim());
    return false;
  }
  mkdirSync(dirname(stampOf(project)), { recursive: true });
  writeFileSync(stampOf(project), inputs);
  console.log(`  ${project} (${seconds(began)})`);
  return true;
}

/** Lets one build work on dist/ at a time; an `npm start` beside an `npm test` waits for it. */
async function withBuildLock(work) {
  const lock = join(rootDir, 'dist', '.building');
  const mine = `${lock}.${process.pid}`;
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(mine, String(process.pid));
  for (let said = false; ; said = true) {
    try {
      linkSync(mine, lock); // whole or not at all
      break;
    } catch {
      if (!isAlive(Number(readOr(lock, '0')))) rmSync(lock, { force: true });
      else if (!said) console.log('Waiting for another build …');
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  rmSync(mine);
  process.once('exit', () => readOr(lock, '') === String(process.pid) && rmSync(lock, { force: true }));
  await work();
  rmSync(lock, { force: true });
}

function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Builds the projects whose sources changed. */
export async function build(wanted = []) {
  const unknown = wanted.filter((project) => !(project in PROJECTS));
  if (unknown.length > 0)
    stopWith(`There is no project ${unknown[0]}; there are ${Object.keys(PROJECTS).join(', ')}.`);
  const projects = wanted.length > 0 ? wanted : Object.keys(PROJECTS);
  if (!projects.every(isBuilt))
    await withBuildLock(() => buildAll(projects.filter((each) => !isBuilt(each))));
}

async function buildAll(queue) {
  if (queue.length === 0) return;
  const began = performance.now();
  console.log(`Building ${queue.join(', ')} …`);
  const failed = [];
  const worker = async () => {
    for (let project = queue.shift(); project; project = queue.shift()) {
      if (!(await buildOne(project))) failed.push(project);
    }
  };
  await Promise.all(Array.from({ length: BUILDS_AT_ONCE }, worker));
  if (failed.length > 0)
    stopWith(`The build of ${failed.join(', ')} failed; the compiler's words are above.`);
  console.log(`Built (${seconds(began)}).`);
}
